/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/trust.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/jwk.h"

/* Key ids are told apart within a class only: nobody may choose an id that shadows another's key.
 */
enum key_class { CLASS_NONE, CLASS_OWN, CLASS_HCERT, CLASS_SHC };

struct trusted {
    struct gh_issuer_key issuer;
    _Atomic(struct gh_public_key *) key; /* NULL: not made yet, of a foreign one */
};

/* What is searched, and close together. */
struct place {
    enum key_class class;
    uint8_t key_id[GH_KEY_ID_BYTES];
    struct trusted *entry; /* its key may be made later; the rest never changes */
};

struct gh_trust {
    atomic_uint references;
    bool has_secret;
    uint8_t secret[GH_HOLDER_SECRET_BYTES];
    size_t count;
    struct place *places; /* by class and key id; equal ones as they were given */
    struct trusted keys[];
};

struct gh_issuer_key gh_issuer_key_of_signer(const struct gh_signer *signer, int64_t not_after_s)
{
    struct gh_issuer_key key = {
        .type = signer->type,
        .raw_bytes = signer->raw_bytes,
        .purposes = GH_PURPOSE(GH_KIND_HCERT),
        .groups = (signer->may_vaccination ? GH_GROUP(GH_FACT_VACCINATION) : 0) |
                  (signer->may_test ? GH_GROUP(GH_FACT_TEST) : 0) |
                  (signer->may_recovery ? GH_GROUP(GH_FACT_RECOVERY) : 0),
        .not_before_s = INT64_MIN,
        .not_after_s = not_after_s,
    };
    memcpy(key.raw, signer->raw, signer->raw_bytes);
    memcpy(key.key_id, signer->sha256, sizeof(key.key_id));
    return key;
}

/* --- a set of keys --- */

static void trust_free(struct gh_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++)
        gh_public_key_free(atomic_load(&trust->keys[i].key));
    free(trust->places);
    gh_wipe(trust->secret, sizeof(trust->secret));
    free(trust);
}

static void cleanup_trust(struct gh_trust **trust)
{
    if (*trust != NULL)
        trust_free(*trust);
}

static enum key_class class_of_kind(enum gh_kind kind)
{
    if (kind == GH_KIND_HCERT)
        return CLASS_HCERT;
    return kind == GH_KIND_SHC ? CLASS_SHC : CLASS_OWN;
}

static enum key_class class_of_purposes(unsigned purposes)
{
    if (purposes == GH_PURPOSE(GH_KIND_HCERT))
        return CLASS_HCERT;
    if (purposes == GH_PURPOSE(GH_KIND_SHC))
        return CLASS_SHC;
    return purposes != 0 && (purposes & ~GH_PURPOSES_OWN) == 0 ? CLASS_OWN : CLASS_NONE;
}

static bool type_fits(enum key_class class, enum gh_key_type type)
{
    switch (class) {
    case CLASS_OWN:
        return type == GH_KEY_ED25519 || type == GH_KEY_P256;
    case CLASS_HCERT:
        return type == GH_KEY_P256 || type == GH_KEY_PS256;
    case CLASS_SHC:
        return type == GH_KEY_P256;
    case CLASS_NONE:
        break;
    }
    return false;
}

/* Of an HCERT key it is the certificate's, and was given. */
static void set_key_id(struct trusted *entry, enum key_class class)
{
    struct gh_issuer_key *issuer = &entry->issuer;
    if (class == CLASS_OWN) {
        gh_public_key_id(atomic_load(&entry->key), issuer->key_id);
    } else if (class == CLASS_SHC) {
        struct gh_jwk jwk = {.type = issuer->type, .raw_bytes = issuer->raw_bytes};
        uint8_t thumbprint[GH_SHA256_BYTES];
        memcpy(jwk.raw, issuer->raw, issuer->raw_bytes);
        gh_jwk_thumbprint(&jwk, thumbprint);
        memcpy(issuer->key_id, thumbprint, sizeof(issuer->key_id));
    }
}

static enum gh_status make_key(const struct gh_issuer_key *issuer, struct gh_public_key **out)
{
    struct gh_bytes raw = {.data = issuer->raw, .size = issuer->raw_bytes};
    return gh_public_key_from_raw(issuer->type, raw, out);
}

/* Add one key behind those that are there. */
static enum gh_status add_key(struct gh_trust *trust, const struct gh_issuer_key *issuer,
                              bool lazily)
{
    enum key_class class = class_of_purposes(issuer->purposes);
    if (!type_fits(class, issuer->type) || issuer->raw_bytes > sizeof(issuer->raw) ||
        memchr(issuer->issuer, 0, sizeof(issuer->issuer)) == NULL ||
        (class == CLASS_SHC && issuer->issuer[0] == '\0'))
        return GH_ERR_INVALID;
    struct trusted *entry = &trust->keys[trust->count];
    struct gh_public_key *key = NULL;
    enum gh_status status = lazily && class != CLASS_OWN ? GH_OK : make_key(issuer, &key);
    if (status != GH_OK)
        return status;
    entry->issuer = *issuer;
    atomic_init(&entry->key, key);
    set_key_id(entry, class);
    struct place *place = &trust->places[trust->count++];
    place->class = class;
    place->entry = entry;
    memcpy(place->key_id, entry->issuer.key_id, sizeof(place->key_id));
    return GH_OK;
}

static int compare_id(const struct place *place, enum key_class class,
                      const uint8_t key_id[GH_KEY_ID_BYTES])
{
    if (place->class != class)
        return place->class < class ? -1 : 1;
    return memcmp(place->key_id, key_id, GH_KEY_ID_BYTES);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *one = a;
    const struct place *other = b;
    int order = compare_id(one, other->class, other->key_id);
    return order != 0 ? order : (one->entry > other->entry) - (one->entry < other->entry);
}

static bool is_same_key(const struct gh_issuer_key *one, const struct gh_issuer_key *other)
{
    return gh_bytes_equal((struct gh_bytes){one->raw, one->raw_bytes},
                          (struct gh_bytes){other->raw, other->raw_bytes});
}

/* Of two with one id: our own ids are unique, foreign ones may be shared by different keys. */
static bool is_same(const struct place *one, const struct place *other)
{
    return one->class == CLASS_OWN ||
           (is_same_key(&one->entry->issuer, &other->entry->issuer) &&
            strcmp(one->entry->issuer.issuer, other->entry->issuer.issuer) == 0);
}

static bool holds_one_twice(const struct gh_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++) {
        const struct place *one = &trust->places[i];
        for (size_t j = i + 1; j < trust->count; j++) {
            const struct place *other = &trust->places[j];
            if (compare_id(other, one->class, one->key_id) != 0)
                break;
            if (is_same(one, other))
                return true;
        }
    }
    return false;
}

static struct gh_trust *trust_alloc(size_t count, const uint8_t *holder_secret)
{
    struct gh_trust *trust = calloc(1, sizeof(*trust) + count * sizeof(trust->keys[0]));
    if (trust == NULL)
        return NULL;
    trust->places = calloc(count > 0 ? count : 1, sizeof(trust->places[0]));
    if (trust->places == NULL) {
        free(trust);
        return NULL;
    }
    atomic_init(&trust->references, 1);
    trust->has_secret = holder_secret != NULL;
    if (holder_secret != NULL)
        memcpy(trust->secret, holder_secret, sizeof(trust->secret));
    return trust;
}

static enum gh_status trust_new(const struct gh_issuer_key *keys, size_t count,
                                const uint8_t *holder_secret, bool lazily, struct gh_trust **out)
{
    *out = NULL;
    if (count > GH_TRUST_KEYS_MAX)
        return GH_ERR_TOOBIG;
    __attribute__((cleanup(cleanup_trust))) struct gh_trust *trust =
        trust_alloc(count, holder_secret);
    if (trust == NULL)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        enum gh_status status = add_key(trust, &keys[i], lazily);
        if (status != GH_OK)
            return status;
    }
    qsort(trust->places, count, sizeof(trust->places[0]), compare_places);
    if (holds_one_twice(trust))
        return GH_ERR_EXISTS;
    *out = trust;
    trust = NULL;
    return GH_OK;
}

enum gh_status gh_trust_new(const struct gh_issuer_key *keys, size_t count,
                            const uint8_t *holder_secret, struct gh_trust **out)
{
    return trust_new(keys, count, holder_secret, false, out);
}

enum gh_status gh_trust_new_checked(const struct gh_issuer_key *keys, size_t count,
                                    const uint8_t *holder_secret, struct gh_trust **out)
{
    return trust_new(keys, count, holder_secret, true, out);
}

struct gh_trust *gh_trust_ref(struct gh_trust *trust)
{
    if (trust != NULL)
        atomic_fetch_add_explicit(&trust->references, 1, memory_order_relaxed);
    return trust;
}

void gh_trust_unref(struct gh_trust *trust)
{
    if (trust != NULL &&
        atomic_fetch_sub_explicit(&trust->references, 1, memory_order_acq_rel) == 1)
        trust_free(trust);
}

enum gh_reason gh_issuer_key_allows(const struct gh_issuer_key *key, enum gh_kind kind,
                                    unsigned groups, int64_t issued_at_s, struct gh_bytes issuer)
{
    struct gh_bytes name = {(const uint8_t *)key->issuer, strlen(key->issuer)};

    if (key->revoked)
        return GH_REASON_KEY_REVOKED;
    if ((key->purposes & GH_PURPOSE(kind)) == 0 || (groups & ~key->groups) != 0)
        return GH_REASON_WRONG_KEY;
    if (name.size > 0 && !gh_bytes_equal(name, issuer))
        return GH_REASON_WRONG_ISSUER;
    if (issued_at_s < key->not_before_s || issued_at_s > key->not_after_s)
        return GH_REASON_KEY_RETIRED;
    return GH_REASON_OK;
}

const uint8_t *gh_trust_holder_secret(const struct gh_trust *trust)
{
    return trust != NULL && trust->has_secret ? trust->secret : NULL;
}

/* Where the first key stands that is not before this id. */
static size_t first_of(const struct gh_trust *trust, enum key_class class,
                       const uint8_t key_id[GH_KEY_ID_BYTES])
{
    size_t low = 0;
    size_t high = trust->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_id(&trust->places[middle], class, key_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of two threads that come first at once, one's is kept. NULL: it is none, or there is no memory.
 */
static const struct gh_public_key *key_of(struct trusted *entry)
{
    struct gh_public_key *key = atomic_load(&entry->key), *made;
    if (key != NULL || make_key(&entry->issuer, &made) != GH_OK)
        return key;
    if (atomic_compare_exchange_strong(&entry->key, &key, made))
        return made;
    gh_public_key_free(made);
    return key;
}

bool gh_trust_find(const struct gh_trust *trust, enum gh_kind kind,
                   const uint8_t key_id[GH_KEY_ID_BYTES], size_t nth, struct gh_trusted_key *out)
{
    *out = (struct gh_trusted_key){.key = NULL};
    if (trust == NULL)
        return false;
    enum key_class class = class_of_kind(kind);
    size_t first = first_of(trust, class, key_id);
    if (nth >= trust->count - first)
        return false;
    const struct place *place = &trust->places[first + nth];
    if (compare_id(place, class, key_id) != 0)
        return false;
    struct trusted *entry = place->entry;
    const struct gh_public_key *key = key_of(entry);
    if (key == NULL)
        return false;
    *out = (struct gh_trusted_key){.key = key, .issuer = &entry->issuer};
    return true;
}

enum gh_reason gh_trust_allows(const struct gh_trust *trust, const struct gh_trusted_key *key,
                               enum gh_kind kind, unsigned groups, int64_t issued_at_s,
                               struct gh_bytes issuer)
{
    enum gh_reason best = GH_REASON_WRONG_ISSUER;
    struct gh_trusted_key found;
    for (size_t nth = 0; gh_trust_find(trust, kind, key->issuer->key_id, nth, &found); nth++) {
        if (!is_same_key(found.issuer, key->issuer))
            continue;
        enum gh_reason reason =
            gh_issuer_key_allows(found.issuer, kind, groups, issued_at_s, issuer);
        if (reason == GH_REASON_KEY_REVOKED)
            return reason;
        if (best != GH_REASON_OK && reason != GH_REASON_WRONG_ISSUER)
            best = reason;
    }
    return best;
}
