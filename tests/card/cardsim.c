/* A PKCS#11 module that behaves like a smart card, in front of one that does not (SoftHSM).
 *
 * It can be pulled out and put back, is slow, counts wrong PINs as a card does (over restarts of the module too), has
 * the mechanisms of a CPS3 or CPS4 only, fails on demand, and notices who breaks the promise of C_Initialize(NULL):
 * two calls at once, or calls from two threads.
 *
 * Environment, read by C_Initialize:
 *   CARDSIM_FOLDER  holds "control" (words, see below), "log" (what was called), "wrong-<slot>" (wrong PINs so far)
 *   CARDSIM_REAL    the module behind
 *
 * Words in the control file, read at each call:
 *   removed             no card is in any reader;  removed=LABEL  only the one with this token label is out
 *   stay=N              another N: the cards were pulled and put back since, too fast to be seen
 *   mechanisms=HEX,...  offered and accepted; without it those of the module behind
 *   slow=MS             C_Sign takes so long;  hold  C_Sign does not come back before the word is gone
 *   pad                 the reader has a PIN pad, on which the person types 1234;  pad=HEX  what the pad ends in
 *   slots=HEX token=HEX login=HEX open=HEX sign=HEX   what C_GetSlotInfo, C_GetTokenInfo, C_Login, C_OpenSession,
 *                       C_Sign answer instead
 *   start=HEX           what C_Initialize answers instead
 *   hardware            the slots say that they are readers, not software
 *
 * gcc -shared -fPIC -o cardsim.so cardsim.c -ldl $(pkg-config --cflags p11-kit-1)
 */
#define _GNU_SOURCE
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 3
#define MOST_SESSIONS 4096
#define MOST_SLOTS 32
#define PAD_PIN "1234"

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST card;
static char folder[1024];
static char control[4096];
static atomic_int inside;
static pthread_t owner;

/* --- control file and log ---------------------------------------------------------------------------------------- */

static FILE *open_file(const char *name, const char *mode)
{
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, mode);
}

static void read_control(void)
{
    FILE *file = open_file("control", "r");
    size_t size = file ? fread(control, 1, sizeof control - 1, file) : 0;
    control[size] = 0;
    if (file)
        fclose(file);
}

static void note(const char *what, const char *more)
{
    FILE *file = open_file("log", "a");
    if (!file)
        return;
    fprintf(file, "%s%s%s\n", what, *more ? " " : "", more);
    fclose(file);
}

/* The value of a word ("" when it has none), or NULL when it is not there. Words are divided by blanks. */
static const char *word(const char *name)
{
    static char value[1024];
    size_t length = strlen(name);
    const char *at = control;
    while ((at = strstr(at, name)) != NULL) {
        int begins = at == control || at[-1] == ' ' || at[-1] == '\n';
        const char *end = at + length;
        if (begins && (*end == '=' || *end == ' ' || *end == '\n' || *end == 0)) {
            size_t size = *end == '=' ? strcspn(end + 1, " \n") : 0;
            memcpy(value, end + 1, size);
            value[size] = 0;
            return value;
        }
        at = end;
    }
    return NULL;
}

/* Whether the word orders an error; then it is in *rv. */
static int ordered(const char *name, CK_RV *rv)
{
    const char *value = word(name);
    if (!value || !*value)
        return 0;
    *rv = strtoul(value, NULL, 16);
    return 1;
}

/* --- each call --------------------------------------------------------------------------------------------------- */

static void enter(const char *name)
{
    if (atomic_fetch_add(&inside, 1) > 0)
        note("CONCURRENT", name);
    if (!pthread_equal(owner, pthread_self()))
        note("OTHER THREAD", name);
    read_control();
}

static CK_RV leave(CK_RV rv)
{
    atomic_fetch_sub(&inside, 1);
    return rv;
}

/* --- the card in its reader -------------------------------------------------------------------------------------- */

static struct {
    CK_SLOT_ID slot;
    int removed;
    long stay; /* changes each time the card comes back */
    long seen_word;
} readers[MOST_SLOTS];
static int reader_count;

static struct {
    CK_SESSION_HANDLE handle;
    CK_SLOT_ID slot;
    long stay;
} sessions[MOST_SESSIONS];
static int session_count;

static int is_named(CK_SLOT_ID slot, const char *label)
{
    CK_TOKEN_INFO info;
    char padded[33];
    if (!*label)
        return 1;
    if (real->C_GetTokenInfo(slot, &info) != CKR_OK)
        return 0;
    snprintf(padded, sizeof padded, "%-32s", label);
    return memcmp(padded, info.label, 32) == 0;
}

/* The reader of a slot, after noticing what happened to its card: pulling it ends its sessions and its login. */
static int look_at(CK_SLOT_ID slot)
{
    int i;
    for (i = 0; i < reader_count && readers[i].slot != slot; i++)
        ;
    if (i == reader_count) {
        reader_count++;
        readers[i].slot = slot;
        readers[i].removed = 0;
        readers[i].stay = 0;
        readers[i].seen_word = 0;
    }
    const char *label = word("removed");
    int removed = label && is_named(slot, label);
    const char *value = word("stay");
    long stay = value ? strtol(value, NULL, 10) : readers[i].seen_word;
    if ((removed && !readers[i].removed) || stay != readers[i].seen_word) {
        readers[i].stay++;
        real->C_CloseAllSessions(slot);
    }
    readers[i].removed = removed;
    readers[i].seen_word = stay;
    return i;
}

static CK_RV present(CK_SLOT_ID slot)
{
    return readers[look_at(slot)].removed ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
}

/* Whether a session still leads to the card on which it was opened. */
static CK_RV alive(CK_SESSION_HANDLE handle)
{
    for (int i = session_count - 1; i >= 0; i--) {
        if (sessions[i].handle != handle)
            continue;
        int reader = look_at(sessions[i].slot);
        if (readers[reader].removed)
            return CKR_DEVICE_REMOVED;
        return readers[reader].stay == sessions[i].stay ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
    }
    return CKR_SESSION_HANDLE_INVALID;
}

static CK_SLOT_ID slot_of(CK_SESSION_HANDLE handle)
{
    for (int i = session_count - 1; i >= 0; i--)
        if (sessions[i].handle == handle)
            return sessions[i].slot;
    return 0;
}

/* --- wrong PINs, which a card remembers -------------------------------------------------------------------------- */

static int wrong_pins(CK_SLOT_ID slot)
{
    char name[64];
    int count = 0;
    snprintf(name, sizeof name, "wrong-%lu", slot);
    FILE *file = open_file(name, "r");
    if (file) {
        if (fscanf(file, "%d", &count) != 1)
            count = 0;
        fclose(file);
    }
    return count;
}

static void remember_wrong_pins(CK_SLOT_ID slot, int count)
{
    char name[64];
    snprintf(name, sizeof name, "wrong-%lu", slot);
    FILE *file = open_file(name, "w");
    if (file) {
        fprintf(file, "%d", count);
        fclose(file);
    }
}

/* --- the functions ----------------------------------------------------------------------------------------------- */

static CK_RV Initialize(void *arguments)
{
    CK_RV rv;
    snprintf(folder, sizeof folder, "%s", getenv("CARDSIM_FOLDER") ? getenv("CARDSIM_FOLDER") : "/nonexistent");
    reader_count = session_count = 0;
    owner = pthread_self();
    enter("C_Initialize");
    note("Initialize", arguments ? "with arguments" : "NULL");
    return leave(ordered("start", &rv) ? rv : real->C_Initialize(arguments));
}

static CK_RV Finalize(void *reserved)
{
    enter("C_Finalize");
    note("Finalize", "");
    return leave(real->C_Finalize(reserved));
}

static CK_RV GetSlotList(CK_BBOOL with_token, CK_SLOT_ID *list, CK_ULONG *count)
{
    enter("C_GetSlotList");
    note("GetSlotList", "");
    CK_SLOT_ID all[MOST_SLOTS];
    CK_ULONG found = 0, total = MOST_SLOTS;
    CK_RV rv = real->C_GetSlotList(CK_FALSE, NULL, &total); /* this is when SoftHSM looks for new tokens */
    if (rv == CKR_OK)
        rv = real->C_GetSlotList(CK_FALSE, all, &total);
    if (rv != CKR_OK)
        return leave(rv);
    for (CK_ULONG i = 0; i < total; i++)
        if (!with_token || present(all[i]) == CKR_OK)
            all[found++] = all[i];
    if (list && *count >= found)
        memcpy(list, all, found * sizeof *all);
    rv = list && *count < found ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    *count = found;
    return leave(rv);
}

static CK_RV GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    enter("C_GetSlotInfo");
    CK_RV rv;
    if (ordered("slots", &rv))
        return leave(rv);
    rv = real->C_GetSlotInfo(slot, info);
    if (rv != CKR_OK)
        return leave(rv);
    info->flags |= CKF_REMOVABLE_DEVICE;
    if (word("hardware"))
        info->flags |= CKF_HW_SLOT;
    if (present(slot) != CKR_OK)
        info->flags &= ~CKF_TOKEN_PRESENT;
    return leave(CKR_OK);
}

static CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    enter("C_GetTokenInfo");
    note("GetTokenInfo", "");
    CK_RV rv = present(slot);
    if (rv != CKR_OK || ordered("token", &rv))
        return leave(rv);
    rv = real->C_GetTokenInfo(slot, info);
    if (rv != CKR_OK)
        return leave(rv);
    int left = TRIES - wrong_pins(slot);
    info->flags &= ~(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
    if (left <= 0)
        info->flags |= CKF_USER_PIN_LOCKED;
    else if (left < TRIES)
        info->flags |= CKF_USER_PIN_COUNT_LOW;
    if (left == 1)
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (word("pad"))
        info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    return leave(CKR_OK);
}

/* The mechanisms of the control file; their number, or -1 when there is no such word. */
static int ordered_mechanisms(CK_MECHANISM_TYPE *list, int room)
{
    const char *value = word("mechanisms");
    if (!value)
        return -1;
    int count = 0;
    while (*value && count < room) {
        char *end;
        list[count++] = strtoul(value, &end, 16);
        value = *end == ',' ? end + 1 : end;
    }
    return count;
}

static CK_RV GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    enter("C_GetMechanismList");
    CK_MECHANISM_TYPE own[32];
    CK_RV rv = present(slot);
    if (rv != CKR_OK)
        return leave(rv);
    int total = ordered_mechanisms(own, 32);
    if (total < 0)
        return leave(real->C_GetMechanismList(slot, list, count));
    if (list && *count >= (CK_ULONG)total)
        memcpy(list, own, (size_t)total * sizeof *own);
    rv = list && *count < (CK_ULONG)total ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    *count = (CK_ULONG)total;
    return leave(rv);
}

static CK_RV OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                         CK_SESSION_HANDLE *handle)
{
    enter("C_OpenSession");
    CK_RV rv = present(slot);
    if (rv != CKR_OK || ordered("open", &rv))
        return leave(rv);
    rv = real->C_OpenSession(slot, flags, application, notify, handle);
    if (rv == CKR_OK && session_count < MOST_SESSIONS) {
        sessions[session_count].handle = *handle;
        sessions[session_count].slot = slot;
        sessions[session_count].stay = readers[look_at(slot)].stay;
        session_count++;
        note("OpenSession", "");
    }
    return leave(rv);
}

static CK_RV CloseSession(CK_SESSION_HANDLE handle)
{
    enter("C_CloseSession");
    CK_RV rv = alive(handle);
    if (rv == CKR_OK) {
        note("CloseSession", "");
        rv = real->C_CloseSession(handle);
    }
    return leave(rv);
}

static CK_RV Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size)
{
    enter("C_Login");
    note("Login", pin ? "pin" : "pad");
    CK_RV rv = alive(handle);
    if (rv != CKR_OK || ordered("login", &rv))
        return leave(rv);
    CK_SLOT_ID slot = slot_of(handle);
    int wrong = wrong_pins(slot);
    if (wrong >= TRIES)
        return leave(CKR_PIN_LOCKED);
    if (!pin) {
        if (!word("pad"))
            return leave(CKR_ARGUMENTS_BAD);
        if (ordered("pad", &rv))
            return leave(rv);
        pin = (unsigned char *)PAD_PIN;
        size = strlen(PAD_PIN);
    }
    if (size < 4 || size > 8)
        return leave(CKR_PIN_LEN_RANGE);
    rv = real->C_Login(handle, user, pin, size);
    if (rv == CKR_PIN_INCORRECT) {
        remember_wrong_pins(slot, ++wrong);
        note("Wrong PIN", "");
        if (wrong >= TRIES)
            rv = CKR_PIN_LOCKED;
    } else if (rv == CKR_OK) {
        remember_wrong_pins(slot, 0);
    }
    return leave(rv);
}

static CK_RV Logout(CK_SESSION_HANDLE handle)
{
    enter("C_Logout");
    CK_RV rv = alive(handle);
    if (rv == CKR_OK) {
        note("Logout", "");
        rv = real->C_Logout(handle);
    }
    return leave(rv);
}

static CK_RV FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    enter("C_FindObjectsInit");
    CK_RV rv = alive(handle);
    return leave(rv == CKR_OK ? real->C_FindObjectsInit(handle, template, count) : rv);
}

static CK_RV GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                               CK_ULONG count)
{
    enter("C_GetAttributeValue");
    CK_RV rv = alive(handle);
    return leave(rv == CKR_OK ? real->C_GetAttributeValue(handle, object, template, count) : rv);
}

static CK_RV SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    enter("C_SignInit");
    CK_MECHANISM_TYPE own[32];
    CK_RV rv = alive(handle);
    int total = ordered_mechanisms(own, 32), accepted = total < 0;
    for (int i = 0; i < total; i++)
        accepted |= own[i] == mechanism->mechanism;
    if (rv == CKR_OK && !accepted)
        rv = CKR_MECHANISM_INVALID;
    char number[32];
    snprintf(number, sizeof number, "%lx", mechanism->mechanism);
    note("SignInit", number);
    return leave(rv == CKR_OK ? real->C_SignInit(handle, mechanism, key) : rv);
}

/* As long as the control file says; the card may be pulled meanwhile. */
static void take_time(void)
{
    const char *value = word("slow");
    if (value)
        usleep((useconds_t)strtoul(value, NULL, 10) * 1000);
    while (word("hold")) {
        usleep(2000);
        read_control();
    }
    read_control();
}

static CK_RV Sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG size, unsigned char *signature,
                  CK_ULONG *length)
{
    enter("C_Sign");
    CK_RV rv = alive(handle), answer;
    if (rv != CKR_OK)
        return leave(rv);
    if (!signature) /* only the length is asked for */
        return leave(real->C_Sign(handle, data, size, signature, length));
    note("Signing", "");
    take_time();
    rv = alive(handle);
    if (rv != CKR_OK)
        return leave(rv);
    rv = real->C_Sign(handle, data, size, signature, length);
    if (ordered("sign", &answer))
        return leave(answer);
    note("Signed", "");
    return leave(rv);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!real) {
        const char *path = getenv("CARDSIM_REAL");
        void *library = dlopen(path ? path : "/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
        CK_RV (*get_list)(CK_FUNCTION_LIST **) = library ? dlsym(library, "C_GetFunctionList") : NULL;
        if (!get_list || get_list(&real) != CKR_OK)
            return CKR_GENERAL_ERROR;
        card = *real;
        card.C_GetFunctionList = C_GetFunctionList;
        card.C_Initialize = Initialize;
        card.C_Finalize = Finalize;
        card.C_GetSlotList = GetSlotList;
        card.C_GetSlotInfo = GetSlotInfo;
        card.C_GetTokenInfo = GetTokenInfo;
        card.C_GetMechanismList = GetMechanismList;
        card.C_OpenSession = OpenSession;
        card.C_CloseSession = CloseSession;
        card.C_Login = Login;
        card.C_Logout = Logout;
        card.C_FindObjectsInit = FindObjectsInit;
        card.C_GetAttributeValue = GetAttributeValue;
        card.C_SignInit = SignInit;
        card.C_Sign = Sign;
    }
    *list = &card;
    return CKR_OK;
}
