/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of announcements at the gate: one that was told, and the files it left. */
#ifndef GATEHOUSE_TESTS_COURIER_KEPT_H
#define GATEHOUSE_TESTS_COURIER_KEPT_H

#include "test_courier_news.h"

#include <dirent.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define ID UINT64_C(0x00000000000000d1)
#define ID_TEXT "00000000000000d1"

/* --- files --- */

static inline const char *path_in(const char *name)
{
    static char path[PATH_MAX];
    char folder[PATH_MAX];
    fixture_path(fixture, "announcements", folder);
    assert_int_equal(gh_path_join(folder, name, path, sizeof(path)), GH_OK);
    return path;
}

static inline bool is_there(const char *name)
{
    return access(path_in(name), F_OK) == 0;
}

static inline bool sound_is(const char *suffix)
{
    char name[80];
    snprintf(name, sizeof(name), "%s.%s", sound_name(), suffix);
    return is_there(name);
}

static inline size_t count_files(void)
{
    char folder[PATH_MAX];
    size_t count = 0;
    const struct dirent *entry;
    fixture_path(fixture, "announcements", folder);
    DIR *files = opendir(folder);
    while (files && (entry = readdir(files)))
        count += entry->d_name[0] != '.';
    if (files)
        closedir(files);
    return count;
}

/* --- scenes --- */

/* The server has this one, and its sound; the gate is told. */
static inline void be_told(const struct gh_announcement *wanted)
{
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", announcement(wanted), false);
    offer_sound(1);
    turns(3);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
}

static inline void restart(void)
{
    desk_restart(&desk);
    desk_forget_events(&desk);
    gh_fake_transport_forget(&desk.server);
}

static inline const struct gh_announcement_job *told(size_t index)
{
    return &event_of(GH_COURIER_ANNOUNCEMENT, index)->announcement;
}

static inline void assert_sound(const char *path)
{
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(path, 1 << 24, &data, &size, NULL), GH_OK);
    assert_int_equal(size, sound.size);
    assert_memory_equal(data, sound.data, size);
    free(data);
}

#endif
