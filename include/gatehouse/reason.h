/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason there is, in one table, with its outcome, its words, its lamp and its sound. A
 * credential's verdict, a decision and an entry all name their reason from here; the token is what
 * is stored and sent, and never changes its meaning. */
#ifndef GATEHOUSE_REASON_H
#define GATEHOUSE_REASON_H

#include <stddef.h>

#include "gatehouse/status.h"

enum gh_outcome {
    GH_OUTCOME_WAIT, /* not a decision yet: another code is expected */
    GH_OUTCOME_OPEN,
    GH_OUTCOME_GUARD, /* stays shut, a person is called */
    GH_OUTCOME_DENY,
};

enum gh_lamp {
    GH_LAMP_OFF,
    GH_LAMP_GREEN,
    GH_LAMP_YELLOW,
    GH_LAMP_RED,
    GH_LAMP_YELLOW_BLINK,
    GH_LAMP_RED_BLINK
};
enum gh_sound {
    GH_SOUND_NONE,
    GH_SOUND_TICK,
    GH_SOUND_WELCOME,
    GH_SOUND_CALL,
    GH_SOUND_REFUSE,
    GH_SOUND_ALARM
};

/* What is spoken, in the words of src/gate/prompts: never why, which may be somebody's health. */
enum gh_prompt {
    GH_PROMPT_NONE,
    GH_PROMPT_WELCOME,
    GH_PROMPT_SHOW_HOUSING,
    GH_PROMPT_SHOW_HEALTH,
    GH_PROMPT_SHOW_PARTS,
    GH_PROMPT_MOMENT,     /* it is looked up */
    GH_PROMPT_MEASURE,    /* come closer to the thermometer */
    GH_PROMPT_GUARD,      /* the guard is called */
    GH_PROMPT_RENEW,      /* the code is out of date */
    GH_PROMPT_AGAIN,      /* it cannot be read: hold it up again */
    GH_PROMPT_REFUSED,    /* it is not accepted */
    GH_PROMPT_OTHER_DOOR, /* wait until the other door is shut */
    GH_PROMPT_CLOSE_DOOR,
    GH_PROMPT_FIRE, /* leave the building */
    GH_PROMPT_COUNT
};
const char *gh_prompt_name(enum gh_prompt prompt); /* "none", "welcome", "show_housing"...: names
                                                      the sound files, too */

/* X(NAME, token, outcome, lamp, sound, prompt, text): the text is what a guard reads. */
#define GH_REASONS(X)                                                                              \
    X(OK, "ok", OPEN, GREEN, WELCOME, WELCOME, "Welcome")                                          \
    X(PASSBACK_NOTED, "passback_noted", OPEN, GREEN, WELCOME, WELCOME,                             \
      "Welcome, though this person has come in before and not left since")                         \
    /* still waiting */                                                                            \
    X(WAIT_HOUSING, "wait_housing", WAIT, YELLOW_BLINK, TICK, SHOW_HOUSING,                        \
      "Now show the housing code")                                                                 \
    X(WAIT_HEALTH, "wait_health", WAIT, YELLOW_BLINK, TICK, SHOW_HEALTH,                           \
      "Now show the health code")                                                                  \
    X(WAIT_PARTS, "wait_parts", WAIT, YELLOW_BLINK, TICK, SHOW_PARTS,                              \
      "Now show the other parts of the card")                                                      \
    X(WAIT_ANSWER, "wait_answer", WAIT, YELLOW_BLINK, TICK, MOMENT,                                \
      "One moment: the code is looked up")                                                         \
    X(WAIT_TEMPERATURE, "wait_temperature", WAIT, YELLOW_BLINK, TICK, MEASURE,                     \
      "Now come closer to the thermometer")                                                        \
    /* a person has to look */                                                                     \
    X(YELLOW, "yellow", GUARD, YELLOW, CALL, GUARD, "Health status is yellow")                     \
    X(NO_HOME, "no_home", GUARD, YELLOW, CALL, GUARD, "Not registered in any home")                \
    X(NOT_MEMBER, "not_member", GUARD, YELLOW, CALL, GUARD,                                        \
      "Not registered in the home whose code was shown")                                           \
    X(HOME_UNKNOWN, "home_unknown", GUARD, YELLOW, CALL, GUARD, "The home is not approved")        \
    X(HOUSING_MISSING, "housing_missing", GUARD, YELLOW, CALL, GUARD, "No housing code was shown") \
    X(HEALTH_MISSING, "health_missing", GUARD, YELLOW, CALL, GUARD, "No health code was shown")    \
    X(SUBJECT_UNKNOWN, "subject_unknown", GUARD, YELLOW, CALL, GUARD,                              \
      "True code, but the person is not on the list")                                              \
    X(CERTIFICATE_NOT_COUNTED, "certificate_not_counted", GUARD, YELLOW, CALL, GUARD,              \
      "A true certificate, but of a kind that does not count here")                                \
    X(CERTIFICATE_TOO_NEW, "certificate_too_new", GUARD, YELLOW, CALL, GUARD,                      \
      "A true certificate, but it does not count yet")                                             \
    X(CERTIFICATE_TOO_OLD, "certificate_too_old", GUARD, YELLOW, CALL, GUARD,                      \
      "A true certificate, but too old to count")                                                  \
    X(FEVER, "fever", GUARD, YELLOW, CALL, GUARD, "The temperature is too high")                   \
    X(TEMPERATURE_MISSING, "temperature_missing", GUARD, YELLOW, CALL, GUARD,                      \
      "No temperature was measured")                                                               \
    X(PAPER, "paper", GUARD, YELLOW, CALL, GUARD, "A code on paper: look at who shows it")         \
    X(UPSTREAM_UNREACHABLE, "upstream_unreachable", GUARD, YELLOW, CALL, GUARD,                    \
      "The code's issuer could not be asked")                                                      \
    X(LIST_MISSING, "list_missing", GUARD, YELLOW, CALL, GUARD, "This gate has no list yet")       \
    X(LIST_TOO_OLD, "list_too_old", GUARD, YELLOW, CALL, GUARD, "This gate's list is too old")     \
    X(CLOCK_UNTRUSTED, "clock_untrusted", GUARD, YELLOW, CALL, GUARD,                              \
      "This gate does not know the time")                                                          \
    X(JOURNAL_UNAVAILABLE, "journal_unavailable", GUARD, YELLOW, CALL, GUARD,                      \
      "This gate cannot write its journal")                                                        \
    X(NOT_ENROLLED, "not_enrolled", GUARD, YELLOW, CALL, GUARD, "This gate is not enrolled")       \
    /* no */                                                                                       \
    X(RED, "red", DENY, RED_BLINK, ALARM, REFUSED, "Health status is red")                         \
    X(EXPIRED, "expired", DENY, RED, REFUSE, RENEW, "The code has expired")                        \
    X(NOT_YET_VALID, "not_yet_valid", DENY, RED, REFUSE, REFUSED, "The code is not valid yet")     \
    X(REVOKED, "revoked", DENY, RED, REFUSE, REFUSED, "The code was revoked")                      \
    X(KEY_REVOKED, "key_revoked", DENY, RED, REFUSE, REFUSED,                                      \
      "The key that signed the code was revoked")                                                  \
    X(STALE, "stale", DENY, RED, REFUSE, RENEW,                                                    \
      "A picture of a phone's code, or the phone's clock is wrong")                                \
    X(REPLAYED, "replayed", DENY, RED, REFUSE, REFUSED, "A copy: this very code was shown before") \
    X(UNPROVEN, "unproven", DENY, RED, REFUSE, REFUSED,                                            \
      "A phone's code without that phone's signature")                                             \
    X(PAPER_REFUSED, "paper_refused", DENY, RED, REFUSE, REFUSED,                                  \
      "Codes on paper are not accepted here")                                                      \
    X(CLOCK_REFUSED, "clock_refused", DENY, RED, REFUSE, REFUSED,                                  \
      "This gate does not know the time, and opens for nobody until it does")                      \
    X(LIST_REFUSED, "list_refused", DENY, RED, REFUSE, REFUSED,                                    \
      "This gate's list is too old, and it opens for nobody until it is renewed")                  \
    X(UPSTREAM_REFUSED, "upstream_refused", DENY, RED, REFUSE, REFUSED,                            \
      "Not valid, says its issuer")                                                                \
    X(PASSBACK, "passback", DENY, RED, REFUSE, REFUSED,                                            \
      "This person has come in before and not left since")                                         \
    X(INTERLOCK, "interlock", DENY, RED, REFUSE, OTHER_DOOR,                                       \
      "The other door is open: wait until it is shut")                                             \
    X(FORGED, "forged", DENY, RED, REFUSE, REFUSED, "The code's signature is wrong")               \
    X(FOREIGN, "foreign", DENY, RED, REFUSE, REFUSED, "A code of somebody else's system")          \
    X(WRONG_KEY, "wrong_key", DENY, RED, REFUSE, REFUSED,                                          \
      "Signed by a key that may not sign such a code")                                             \
    X(WRONG_ISSUER, "wrong_issuer", DENY, RED, REFUSE, REFUSED, "Signed by another issuer's key")  \
    X(KEY_RETIRED, "key_retired", DENY, RED, REFUSE, RENEW,                                        \
      "Issued when the key that signed it was not in use")                                         \
    X(BAD_CONTENT, "bad_content", DENY, RED, REFUSE, REFUSED,                                      \
      "Signed, but not what such a code must say")                                                 \
    /* what is wrong with a code's form: the first thing met on the way in */                      \
    X(MALFORMED, "malformed", DENY, RED, REFUSE, AGAIN, "The code is damaged")                     \
    X(BAD_TEXT, "bad_text", DENY, RED, REFUSE, AGAIN, "The code's text is damaged")                \
    X(BAD_PARTS, "bad_parts", DENY, RED, REFUSE, AGAIN,                                            \
      "The parts shown are not those of one card")                                                 \
    X(BAD_COMPRESSION, "bad_compression", DENY, RED, REFUSE, AGAIN, "The code cannot be unpacked") \
    X(TOO_LARGE, "too_large", DENY, RED, REFUSE, REFUSED, "The code unpacks to more than it may")  \
    X(TRUNCATED, "truncated", DENY, RED, REFUSE, AGAIN, "The code ends too early")                 \
    X(TRAILING, "trailing", DENY, RED, REFUSE, AGAIN, "Something follows behind the code's end")   \
    X(TOO_DEEP, "too_deep", DENY, RED, REFUSE, REFUSED, "The code is nested too deep")             \
    X(DUPLICATE_KEY, "duplicate_key", DENY, RED, REFUSE, REFUSED, "The code says one thing twice") \
    X(BAD_ALGORITHM, "bad_algorithm", DENY, RED, REFUSE, REFUSED,                                  \
      "Signed by a method that is not accepted, or by none")                                       \
    X(WRONG_ALGORITHM, "wrong_algorithm", DENY, RED, REFUSE, REFUSED,                              \
      "Signed by another method than its key's")                                                   \
    X(KEY_ID_MISSING, "key_id_missing", DENY, RED, REFUSE, REFUSED,                                \
      "Does not say which key signed it")                                                          \
    X(SIGNATURE_FORM, "signature_form", DENY, RED, REFUSE, REFUSED,                                \
      "The signature is not of its form")                                                          \
    X(SIGNATURE_RANGE, "signature_range", DENY, RED, REFUSE, REFUSED,                              \
      "The signature is made of impossible numbers")                                               \
    X(BAD_TIME, "bad_time", DENY, RED, REFUSE, REFUSED, "A time in the code is no time")           \
    X(TIMES_CONTRADICT, "times_contradict", DENY, RED, REFUSE, REFUSED,                            \
      "Expires before it was issued")                                                              \
    X(NOT_A_CODE, "not_a_code", DENY, RED, REFUSE, AGAIN, "Not a health or housing code")          \
    X(TOO_LONG, "too_long", DENY, RED, REFUSE, REFUSED, "The code is too long")                    \
    X(UNSUPPORTED, "unsupported", DENY, RED, REFUSE, REFUSED,                                      \
      "This kind of code is not accepted here")                                                    \
    /* faults: in entries of type fault, never of a person */                                      \
    X(JOURNAL_LARGE, "journal_large", GUARD, YELLOW, CALL, NONE,                                   \
      "The journal is larger than it may be")                                                      \
    X(DOOR_FAILED, "door_failed", GUARD, YELLOW, CALL, GUARD, "The door could not be driven")      \
    /* the door itself: shown and spoken, never in an entry (those are of type door) */            \
    X(DOOR_FORCED, "door_forced", GUARD, RED_BLINK, ALARM, NONE, "The door was opened by force")   \
    X(DOOR_HELD, "door_held", GUARD, YELLOW_BLINK, CALL, CLOSE_DOOR, "The door stands open")       \
    X(TAMPER, "tamper", GUARD, RED_BLINK, ALARM, NONE, "This gate's housing was opened")           \
    X(FIRE, "fire", OPEN, GREEN, ALARM, FIRE, "Fire alarm: the door is unlocked")                  \
    X(UNLOCKED, "unlocked", OPEN, GREEN, TICK, NONE, "The door was unlocked by a button")

enum gh_reason {
#define X(name, token, outcome, lamp, sound, prompt, text) GH_REASON_##name,
    GH_REASONS(X)
#undef X
        GH_REASON_COUNT
};

struct gh_reason_info {
    const char *token;
    enum gh_outcome outcome;
    enum gh_lamp lamp;
    enum gh_sound sound;
    enum gh_prompt prompt;
    const char *text;
};

/* Static lifetime, never NULL; a value outside the enum gives the row of JOURNAL_UNAVAILABLE (stays
 * shut, calls the guard). */
const struct gh_reason_info *gh_reason_info(enum gh_reason reason);
/* GH_ERR_NOTFOUND for a token that is not in the table. */
GH_MUST_CHECK enum gh_status gh_reason_from_token(const char *token, enum gh_reason *reason);
const char *gh_outcome_token(enum gh_outcome outcome); /* "wait", "open", "guard", "deny" */

#endif
