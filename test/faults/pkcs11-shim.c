// A PKCS#11 module in front of another one that counts calls and does as it is told: returns a status, sleeps, hangs,
// crashes, prints, shortens answers, changes flags and attributes. Unix only; needs no header but the C library's.
//
// SHIM_MODULE  the module to pass calls on to
// SHIM_LOG     a file to which each call adds a line: its name; behind it "pin" or "pad" for C_Login, "value" where
//              C_GetAttributeValue is asked for the key itself; and "C_Login taken" after one that succeeded
// SHIM_SCRIPT  a file, read anew at each call, with lines of: FUNCTION NTH ACTION [ARGUMENT] [ARGUMENT]
//              NTH counts the calls of this process from 1; * is every one; +N counts those in the log, of all processes.
//
// return N         return status N and pass nothing on        after N      pass on, then return status N
// sleep MS         wait, then pass on                         hang         never return
// crash            raise SIGSEGV                              abort        raise SIGABRT
// exit N           end the process                            print TEXT   print to stdout and stderr, then pass on
// fork             leave a process behind, then pass on       answer       write an answer of hardkey's own pipe
// length N         C_Sign: claim N bytes                      overrun N    C_Sign: write N bytes too many
// constant N       C_Sign: answer 32 bytes of N               set N        C_GetTokenInfo: set these flags
// clear N          C_GetTokenInfo: clear these flags          serial TEXT  C_GetTokenInfo: another serial number
// reverse          C_GetSlotList: the last slot first           renumber N   C_GetSlotList: N more than each number
// object LABEL     C_SignInit: another key than was asked for
// pad PIN          C_Login: without a PIN, as if PIN were typed at the device
// tell TYPE N      C_GetAttributeValue: this boolean has the value N
// untell TYPE      C_GetAttributeValue: CKR_ATTRIBUTE_TYPE_INVALID for this attribute
// refuse TYPE N    C_CreateObject: status N where the template has this attribute
// refusekey N S    C_CreateObject: status S where CKA_KEY_TYPE is N
// Longer than 250 lines, so that a test compiles one file.

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef struct { ulong_t type; void *value; ulong_t length; } attribute_t;
typedef struct { unsigned char label[32], manufacturer[32], model[16], serial[16]; ulong_t flags; } token_t;
typedef struct { unsigned char version[2]; void *functions[68]; } list_t;

enum { INITIALIZE = 0, FINALIZE = 1, SLOTS = 4, SLOT = 5, TOKEN = 6, MECHANISM = 8, OPEN = 12, CLOSE = 13, LOGIN = 18, CREATE = 20, DESTROY = 22, ATTRIBUTES = 24, FIND_INIT = 26, FIND = 27, FIND_FINAL = 28, SIGN_INIT = 42, SIGN = 43 };

static list_t *real, shim;
static int calls[68];
// How much higher the numbers of the slots are than those of the module behind.
static ulong_t renumbered;

typedef struct { char action[32], first[128], second[64]; } order_t;

static ulong_t number(const char *text) { return strtoul(text, NULL, 0); }

static void note(const char *name, const char *detail) {
  const char *path = getenv("SHIM_LOG");
  FILE *log = path ? fopen(path, "a") : NULL;
  if (!log) return;
  fprintf(log, "%s%s%s\n", name, *detail ? " " : "", detail);
  fclose(log);
}

// How often a function was called by any process since the log was begun.
static int logged(const char *name) {
  const char *path = getenv("SHIM_LOG");
  FILE *log = path ? fopen(path, "r") : NULL;
  char line[128], function[64];
  int count = 0;
  while (log && fgets(line, sizeof line, log))
    if (sscanf(line, "%63s", function) == 1 && strcmp(function, name) == 0) count++;
  if (log) fclose(log);
  return count;
}

// The orders of the script for this call, one after the other; returns how many there are.
static int orders(const char *name, int nth, order_t *found, int room) {
  const char *path = getenv("SHIM_SCRIPT");
  FILE *script = path ? fopen(path, "r") : NULL;
  char line[512], function[64], when[16];
  int count = 0;
  if (!script) return 0;
  while (count < room && fgets(line, sizeof line, script)) {
    order_t *order = &found[count];
    memset(order, 0, sizeof *order);
    if (sscanf(line, "%63s %15s %31s %127s %63s", function, when, order->action, order->first, order->second) < 3) continue;
    if (strcmp(function, name) != 0) continue;
    if (*when == '*' || atoi(when) == (*when == '+' ? logged(name) : nth)) count++;
  }
  fclose(script);
  return count;
}

static void wait_for(ulong_t milliseconds) {
  struct timespec time = { milliseconds / 1000, (milliseconds % 1000) * 1000000L };
  nanosleep(&time, NULL);
}

static void disturb_pipe(void) {
  static const unsigned char junk[] = { 0, 0, 0, 9, 0, 0, 0, 5, '{', '"', 'a', '"', '}' };
  if (write(4, junk, sizeof junk) < 0) perror("shim");
}

// What can be done before any call. Returns 1 where a status is to be returned at once.
static int before(const char *name, int index, order_t *list, int *count, ulong_t *status) {
  *count = orders(name, ++calls[index], list, 8);
  for (int i = 0; i < *count; i++) {
    const char *action = list[i].action;
    if (!strcmp(action, "return")) return *status = number(list[i].first), 1;
    if (!strcmp(action, "sleep")) wait_for(number(list[i].first));
    if (!strcmp(action, "hang")) for (;;) wait_for(1000);
    if (!strcmp(action, "crash")) raise(SIGSEGV);
    if (!strcmp(action, "abort")) abort();
    if (!strcmp(action, "exit")) exit((int)number(list[i].first));
    if (!strcmp(action, "answer")) disturb_pipe();
    if (!strcmp(action, "fork") && fork() == 0) for (;;) wait_for(1000);
    if (!strcmp(action, "print")) {
      if (write(1, list[i].first, strlen(list[i].first)) < 0 || write(2, list[i].first, strlen(list[i].first)) < 0) perror("shim");
    }
  }
  return 0;
}

static ulong_t after(ulong_t status, order_t *list, int count) {
  for (int i = 0; i < count; i++)
    if (!strcmp(list[i].action, "after")) return number(list[i].first);
  return status;
}

#define PASS(name, index, parameters, arguments) \
  static ulong_t name parameters { \
    order_t list[8]; int count; ulong_t status; \
    note(#name, ""); \
    if (before(#name, index, list, &count, &status)) return status; \
    return after(((ulong_t(*) parameters)real->functions[index]) arguments, list, count); \
  }

PASS(C_Initialize, INITIALIZE, (void *a), (a))
PASS(C_Finalize, FINALIZE, (void *a), (a))
PASS(C_GetSlotInfo, SLOT, (ulong_t a, void *b), (a - renumbered, b))
PASS(C_GetMechanismInfo, MECHANISM, (ulong_t a, ulong_t b, void *c), (a - renumbered, b, c))
PASS(C_OpenSession, OPEN, (ulong_t a, ulong_t b, void *c, void *d, ulong_t *e), (a - renumbered, b, c, d, e))
PASS(C_CloseSession, CLOSE, (ulong_t a), (a))
PASS(C_DestroyObject, DESTROY, (ulong_t a, ulong_t b), (a, b))
PASS(C_FindObjectsInit, FIND_INIT, (ulong_t a, void *b, ulong_t c), (a, b, c))
PASS(C_FindObjects, FIND, (ulong_t a, ulong_t *b, ulong_t c, ulong_t *d), (a, b, c, d))

static ulong_t C_GetSlotList(unsigned char present, ulong_t *slots, ulong_t *length) {
  order_t list[8]; int count; ulong_t status;
  note("C_GetSlotList", "");
  if (before("C_GetSlotList", SLOTS, list, &count, &status)) return status;
  status = ((ulong_t(*)(unsigned char, ulong_t *, ulong_t *))real->functions[SLOTS])(present, slots, length);
  for (int i = 0; i < count && slots && status == 0; i++) {
    if (!strcmp(list[i].action, "renumber")) renumbered = number(list[i].first);
    for (ulong_t n = 0; n < *length / 2 && !strcmp(list[i].action, "reverse"); n++) {
      ulong_t other = slots[*length - 1 - n];
      slots[*length - 1 - n] = slots[n];
      slots[n] = other;
    }
  }
  for (ulong_t n = 0; slots && status == 0 && n < *length; n++) slots[n] += renumbered;
  return after(status, list, count);
}

static ulong_t C_GetTokenInfo(ulong_t slot, token_t *info) {
  order_t list[8]; int count; ulong_t status;
  note("C_GetTokenInfo", "");
  if (before("C_GetTokenInfo", TOKEN, list, &count, &status)) return status;
  status = ((ulong_t(*)(ulong_t, token_t *))real->functions[TOKEN])(slot - renumbered, info);
  for (int i = 0; i < count; i++) {
    if (!strcmp(list[i].action, "set")) info->flags |= number(list[i].first);
    if (!strcmp(list[i].action, "clear")) info->flags &= ~number(list[i].first);
    if (!strcmp(list[i].action, "serial")) {
      memset(info->serial, ' ', sizeof info->serial);
      memcpy(info->serial, list[i].first, strnlen(list[i].first, sizeof info->serial));
    }
  }
  return after(status, list, count);
}

static ulong_t C_Login(ulong_t session, ulong_t user, unsigned char *pin, ulong_t length) {
  order_t list[8]; int count; ulong_t status;
  note("C_Login", pin ? "pin" : "pad");
  if (before("C_Login", LOGIN, list, &count, &status)) return status;
  for (int i = 0; i < count; i++) {
    if (strcmp(list[i].action, "pad") || pin) continue;
    pin = (unsigned char *)list[i].first;
    length = strlen(list[i].first);
  }
  status = ((ulong_t(*)(ulong_t, ulong_t, unsigned char *, ulong_t))real->functions[LOGIN])(session, user, pin, length);
  status = after(status, list, count);
  if (status == 0 || status == 0x100) note("C_Login", "taken");
  return status;
}

static ulong_t C_CreateObject(ulong_t session, attribute_t *template, ulong_t length, ulong_t *object) {
  order_t list[8]; int count; ulong_t status;
  note("C_CreateObject", "");
  if (before("C_CreateObject", CREATE, list, &count, &status)) return status;
  for (int i = 0; i < count; i++)
    for (ulong_t n = 0; n < length; n++) {
      int isKeyType = template[n].type == 0x100 && template[n].length == sizeof(ulong_t);
      if (!strcmp(list[i].action, "refuse") && template[n].type == number(list[i].first)) return number(list[i].second);
      if (!strcmp(list[i].action, "refusekey") && isKeyType && *(ulong_t *)template[n].value == number(list[i].first)) return number(list[i].second);
    }
  status = ((ulong_t(*)(ulong_t, attribute_t *, ulong_t, ulong_t *))real->functions[CREATE])(session, template, length, object);
  return after(status, list, count);
}

static ulong_t C_GetAttributeValue(ulong_t session, ulong_t object, attribute_t *template, ulong_t length) {
  order_t list[8]; int count, value = 0; ulong_t status;
  for (ulong_t n = 0; n < length; n++) value |= template[n].type == 0x11;
  note("C_GetAttributeValue", value ? "value" : "");
  if (before("C_GetAttributeValue", ATTRIBUTES, list, &count, &status)) return status;
  status = ((ulong_t(*)(ulong_t, ulong_t, attribute_t *, ulong_t))real->functions[ATTRIBUTES])(session, object, template, length);
  for (int i = 0; i < count; i++)
    for (ulong_t n = 0; n < length; n++) {
      if (template[n].type != number(list[i].first)) continue;
      if (!strcmp(list[i].action, "tell") && template[n].value) {
        *(unsigned char *)template[n].value = (unsigned char)number(list[i].second);
        template[n].length = 1;
      }
      if (!strcmp(list[i].action, "untell")) {
        template[n].length = (ulong_t)-1;
        status = 0x12;
      }
    }
  return after(status, list, count);
}

// The object of this label, or `key` where there is none.
static ulong_t labelled(ulong_t session, char *label, ulong_t key) {
  attribute_t template = { 3, label, strlen(label) };
  ulong_t found = key, count = 0;
  if (((ulong_t(*)(ulong_t, attribute_t *, ulong_t))real->functions[FIND_INIT])(session, &template, 1)) return key;
  ((ulong_t(*)(ulong_t, ulong_t *, ulong_t, ulong_t *))real->functions[FIND])(session, &found, 1, &count);
  ((ulong_t(*)(ulong_t))real->functions[FIND_FINAL])(session);
  return found;
}

static ulong_t C_SignInit(ulong_t session, void *mechanism, ulong_t key) {
  order_t list[8]; int count; ulong_t status;
  note("C_SignInit", "");
  if (before("C_SignInit", SIGN_INIT, list, &count, &status)) return status;
  for (int i = 0; i < count; i++)
    if (!strcmp(list[i].action, "object")) key = labelled(session, list[i].first, key);
  return after(((ulong_t(*)(ulong_t, void *, ulong_t))real->functions[SIGN_INIT])(session, mechanism, key), list, count);
}

static ulong_t C_Sign(ulong_t session, void *data, ulong_t length, unsigned char *answer, ulong_t *answered) {
  order_t list[8]; int count; ulong_t status, room = *answered;
  note("C_Sign", "");
  if (before("C_Sign", SIGN, list, &count, &status)) return status;
  status = ((ulong_t(*)(ulong_t, void *, ulong_t, unsigned char *, ulong_t *))real->functions[SIGN])(session, data, length, answer, answered);
  for (int i = 0; i < count; i++) {
    if (!strcmp(list[i].action, "length")) *answered = number(list[i].first);
    if (!strcmp(list[i].action, "overrun")) memset(answer + room, 0x5a, number(list[i].first));
    if (!strcmp(list[i].action, "constant")) memset(answer, (int)number(list[i].first), 32);
  }
  return after(status, list, count);
}

ulong_t C_GetFunctionList(list_t **list) {
  const char *path = getenv("SHIM_MODULE");
  void *module = path ? dlopen(path, RTLD_NOW) : NULL;
  ulong_t (*get)(list_t **) = module ? (ulong_t(*)(list_t **))dlsym(module, "C_GetFunctionList") : NULL;
  if (!get || get(&real) != 0) return 5;
  shim = *real;
  shim.functions[INITIALIZE] = C_Initialize;
  shim.functions[FINALIZE] = C_Finalize;
  shim.functions[SLOTS] = C_GetSlotList;
  shim.functions[SLOT] = C_GetSlotInfo;
  shim.functions[TOKEN] = C_GetTokenInfo;
  shim.functions[MECHANISM] = C_GetMechanismInfo;
  shim.functions[OPEN] = C_OpenSession;
  shim.functions[CLOSE] = C_CloseSession;
  shim.functions[LOGIN] = C_Login;
  shim.functions[CREATE] = C_CreateObject;
  shim.functions[DESTROY] = C_DestroyObject;
  shim.functions[ATTRIBUTES] = C_GetAttributeValue;
  shim.functions[FIND_INIT] = C_FindObjectsInit;
  shim.functions[FIND] = C_FindObjects;
  shim.functions[SIGN_INIT] = C_SignInit;
  shim.functions[SIGN] = C_Sign;
  *list = &shim;
  return 0;
}
