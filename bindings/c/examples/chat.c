/*
 * A chat server in one file: people with passwords, rooms with members, and one loop on poll(2).
 *
 *     cc chat.c $(pkg-config --cflags --libs tidings) -o chat && ./chat 127.0.0.1:8090
 *
 * and any WebSocket client at ws://127.0.0.1:8090/ws:
 *
 *     -> {"id":1,"connect":{"token":"alice:wonderland"}}
 *     <- {"id":1,"connected":{...}}
 *     -> {"id":2,"subscribe":{"channel":"messaging:chess"}}
 *     -> {"id":3,"publish":{"channel":"messaging:chess","event":"NEW_MESSAGE","data":{"text":"e4"}}}
 *     -> {"id":4,"call":{"method":"rooms"}}
 *
 * It ends when its standard input does.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <tidings.h>
#include <unistd.h>

struct person {
    const char *name, *token;
};

struct room {
    const char *channel;
    const char *members[4];
};

static const struct person people[] = {
    {"alice", "alice:wonderland"}, {"bob", "bob:builder"}, {"carol", "carol:christmas"}};

static const struct room rooms[] = {
    {"messaging:chess", {"alice", "bob"}}, {"messaging:rowing", {"carol", "alice"}}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int is(tidings_view view, const char *text) {
    return view.len == strlen(text) && (view.len == 0 || memcmp(view.data, text, view.len) == 0);
}

static int is_member(const struct room *room, tidings_view user) {
    for (size_t at = 0; at < COUNT(room->members) && room->members[at] != NULL; at++)
        if (is(user, room->members[at])) return 1;
    return 0;
}

/* Says what went wrong. A question that came to its deadline meanwhile is nothing to complain of. */
static void expect(int32_t status, const tidings_error *error) {
    if (status != TIDINGS_STATUS_OK && status != TIDINGS_STATUS_STALE)
        fprintf(stderr, "chat: %s (%d)\n", error->message, status);
}

static void admit(tidings_engine *engine, const tidings_event *event, tidings_error *error) {
    for (size_t at = 0; at < COUNT(people); at++) {
        if (!is(event->data, people[at].token)) continue;
        tidings_admission admission = {.size = sizeof admission};
        admission.user.data = people[at].name;
        admission.user.len = strlen(people[at].name);
        expect(tidings_admit(engine, event->id, &admission, error), error);
        return;
    }
    expect(tidings_deny(engine, event->id, 0, NULL, 0, error), error);
}

/* Members of a room may read it and write to it. */
static void permit(tidings_engine *engine, const tidings_event *event, tidings_error *error) {
    for (size_t at = 0; at < COUNT(rooms); at++) {
        if (is(event->target, rooms[at].channel) && is_member(&rooms[at], event->user)) {
            expect(tidings_allow(engine, event->id, error), error);
            return;
        }
    }
    expect(tidings_deny(engine, event->id, TIDINGS_CODE_FORBIDDEN, TIDINGS_TEXT("you are not in this room"), error),
           error);
}

static void reply(tidings_engine *engine, const tidings_event *event, tidings_error *error) {
    char answer[256] = "[";
    if (!is(event->target, "rooms")) {
        expect(tidings_deny(engine, event->id, 0, NULL, 0, error), error);
        return;
    }
    for (size_t at = 0; at < COUNT(rooms); at++) {
        if (!is_member(&rooms[at], event->user)) continue;
        if (strlen(answer) > 1) strcat(answer, ",");
        strcat(strcat(strcat(answer, "\""), rooms[at].channel), "\"");
    }
    strcat(answer, "]");
    expect(tidings_reply(engine, event->id, TIDINGS_CODEC_JSON, answer, strlen(answer), error), error);
}

/* Who arrives is greeted, on whatever device. */
static void greet(tidings_engine *engine, const tidings_event *event, tidings_error *error) {
    tidings_message message = {.size = sizeof message,
                               .codec = TIDINGS_CODEC_JSON,
                               .event = TIDINGS_VIEW("notification:new"),
                               .data = TIDINGS_VIEW("{\"title\":\"Welcome\"}")};
    expect(tidings_send(engine, event->user.data, event->user.len, &message, NULL, error), error);
}

static void hear(tidings_engine *engine, const tidings_event *event) {
    tidings_error error = {.size = sizeof error};
    switch (event->kind) {
    case TIDINGS_EVENT_KIND_QUESTION_CONNECT:
    case TIDINGS_EVENT_KIND_QUESTION_REFRESH: admit(engine, event, &error); break;
    case TIDINGS_EVENT_KIND_QUESTION_SUBSCRIBE:
    case TIDINGS_EVENT_KIND_QUESTION_PUBLISH: permit(engine, event, &error); break;
    case TIDINGS_EVENT_KIND_QUESTION_CALL: reply(engine, event, &error); break;
    case TIDINGS_EVENT_KIND_OPENED: greet(engine, event, &error); break;
    default: break; /* What this server does not know is nothing to it. */
    }
}

/* Everything that waits. Returns whether more may come. */
static int hear_all(tidings_engine *engine) {
    tidings_error error = {.size = sizeof error};
    tidings_batch *batch = NULL;
    for (;;) {
        int32_t status = tidings_engine_poll(engine, 0, &batch, &error);
        if (status != TIDINGS_STATUS_OK) {
            if (status != TIDINGS_STATUS_STOPPED) expect(status, &error);
            return 0;
        }
        if (batch == NULL) return 1;
        size_t count = 0;
        tidings_batch_count(batch, &count, NULL);
        for (size_t at = 0; at < count; at++) {
            tidings_event event = {.size = sizeof event};
            if (tidings_batch_get(batch, at, &event, &error) == TIDINGS_STATUS_OK) hear(engine, &event);
        }
        tidings_batch_free(&batch);
    }
}

static int fail(const char *what, const tidings_error *error) {
    fprintf(stderr, "chat: %s: %s (%d)\n", what, error->message, error->status);
    return 1;
}

int main(int argc, char **argv) {
    const char *address = argc > 1 ? argv[1] : "127.0.0.1:8090";
    tidings_error error = {.size = sizeof error};
    tidings_config *config = NULL;
    tidings_engine *engine = NULL;
    uint16_t port = 0;
    int32_t descriptor = -1;

    if (tidings_config_new(&config, &error) || /* Watching and sending are not for users here: a plain no. */
        tidings_config_set(config, TIDINGS_TEXT("host.questions"), TIDINGS_TEXT("connect, subscribe, publish, call"),
                           &error) ||
        tidings_config_set(config, TIDINGS_TEXT("host.events"), TIDINGS_TEXT("sessions"), &error))
        return fail("settings", &error);
    if (tidings_engine_start(config, &engine, &error)) return fail("start", &error);
    tidings_config_free(&config);
    if (tidings_listen(engine, address, strlen(address), &port, &error)) return fail("listen", &error);
    if (tidings_engine_fd(engine, &descriptor, &error)) return fail("descriptor", &error);
    printf("listening on port %u\n", port);
    fflush(stdout);

    struct pollfd waited[2] = {{STDIN_FILENO, POLLIN, 0}, {descriptor, POLLIN, 0}};
    for (int goes_on = 1; goes_on;) {
        if (poll(waited, 2, -1) < 0) break;
        if (waited[1].revents) goes_on = hear_all(engine);
        if (waited[0].revents) {
            char bytes[64];
            if (read(STDIN_FILENO, bytes, sizeof bytes) <= 0) goes_on = 0;
        }
    }
    uint64_t left = 0;
    if (tidings_engine_stop(engine, 5000, &left, &error)) return fail("stop", &error);
    printf("stopped, %llu left\n", (unsigned long long)left);
    tidings_engine_free(&engine);
    return 0;
}
