/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

/* The tool has one thread, and a process completes or it does not. */
static bool completing;

void gh_complete_begin(void)
{
    completing = true;
}

bool gh_completing(void)
{
    return completing;
}

static void offer(const char *hyphens, const char *name, const char *begun)
{
    size_t skipped = strlen(hyphens);
    size_t length = strlen(begun);
    size_t head = length < skipped ? length : skipped;
    if (strncmp(hyphens, begun, head) == 0 && strncmp(name, begun + head, length - head) == 0) {
        (void)printf("%s%s\n", hyphens, name);
    }
}

int gh_complete_subcommand(const struct gh_subcommand *table, size_t count, int argc, char **argv)
{
    if (argc < 2) {
        return GH_EXIT_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (argc == 2) {
            offer("", table[i].name, argv[1]);
        } else if (strcmp(argv[1], table[i].name) == 0) {
            return table[i].run(argc - 1, argv + 1);
        }
    }
    if (argc == 2 && argv[1][0] == '-') {
        offer("--", "help", argv[1]);
    }
    return GH_EXIT_OK;
}

/* Whether the word is an option that takes the next word for its value. */
static bool takes_next(const struct gh_syntax *syntax, const char *word)
{
    for (size_t i = 0; i < syntax->option_count; i++) {
        const struct gh_option *option = &syntax->options[i];
        bool is_long = strncmp(word, "--", 2) == 0 && strcmp(word + 2, option->name) == 0;
        bool is_letter = option->letter != 0 && word[0] == '-' && word[1] == option->letter;
        if (option->value != NULL && (is_long || (is_letter && word[2] == '\0'))) {
            return true;
        }
    }
    return false;
}

int gh_complete_options(const struct gh_syntax *syntax, int argc, char **argv)
{
    bool value = false;
    for (int i = 1; i < argc - 1; i++) {
        if (!value && strcmp(argv[i], "--") == 0) {
            return GH_EXIT_OK; /* operands only from here on */
        }
        value = !value && takes_next(syntax, argv[i]);
    }
    if (argc < 2 || value || argv[argc - 1][0] != '-') {
        return GH_EXIT_OK;
    }
    for (size_t i = 0; i < syntax->option_count; i++) {
        offer("--", syntax->options[i].name, argv[argc - 1]);
    }
    offer("--", "help", argv[argc - 1]);
    return GH_EXIT_OK;
}
