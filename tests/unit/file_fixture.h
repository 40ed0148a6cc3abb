/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for each test of files, and nobody's rights for a while. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_FILE_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_FILE_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"

/* Each test works in a folder of its own and by names relative to it. */
static char folder[64];
static int home = -1;

static inline int enter_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/gatehouse-file-XXXXXX");
    home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return home >= 0 && mkdtemp(folder) != NULL && chmod(folder, 0755) == 0 ? chdir(folder) : -1;
}

static inline void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    if (dir != NULL) {
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
            char inner[PATH_MAX];
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                gh_path_join(path, entry->d_name, inner, sizeof(inner)) == GH_OK &&
                unlink(inner) != 0) {
                remove_tree(inner);
            }
        }
        closedir(dir);
    }
    rmdir(path);
}

static inline int leave_folder(void **state)
{
    (void)state;
    int result = fchdir(home);
    close(home);
    remove_tree(folder);
    return result;
}

static inline void put(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Root may do anything: the tests of permissions act as nobody for a while. */
static inline bool drop_root(void)
{
    return geteuid() != 0 || seteuid(65534) == 0;
}

static inline void regain_root(void)
{
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

#endif
