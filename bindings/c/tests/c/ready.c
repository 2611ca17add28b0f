/* How a host's own loop is told: a descriptor, a callback, and what happens when it does not keep up. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

static int is_readable(int descriptor, int timeout_ms) {
    struct pollfd waited = {descriptor, POLLIN, 0};
    return poll(&waited, 1, timeout_ms) == 1 && (waited.revents & POLLIN);
}

static void drain(tidings_engine *engine) {
    tidings_batch *batch = NULL;
    do {
        OK(tidings_batch_free(&batch));
        OK(tidings_engine_poll(engine, 0, &batch, &fault));
    } while (batch != NULL);
}

static void a_descriptor(void) {
    tidings_engine *engine = start();
    uint64_t local = 0;
    int32_t descriptor = -1, again = -1;
    /* What waited before it was made is told as well. */
    OK(tidings_local_open(engine, &local, &fault));
    say(engine, local, "{\"id\":1,\"connect\":{\"token\":\"alice\"}}");
    OK(tidings_engine_fd(engine, &descriptor, &fault));
    OK(tidings_engine_fd(engine, &again, &fault));
    CHECK(descriptor == again && is_readable(descriptor, PATIENCE));
    CHECK(is_readable(descriptor, 0));
    drain(engine);
    CHECK(!is_readable(descriptor, 50));
    OK(tidings_local_open(engine, &local, &fault));
    say(engine, local, "{\"id\":1,\"connect\":{\"token\":\"bob\"}}");
    CHECK(is_readable(descriptor, PATIENCE));
    drain(engine);
    /* After a stop it stays readable, so that no loop sleeps through it. */
    OK(tidings_engine_stop(engine, 100, NULL, &fault));
    CHECK(is_readable(descriptor, 0));
    OK(tidings_engine_free(&engine));
}

static tidings_engine *woken;
static atomic_int wakes, refused;

static void wake(void *context) {
    CHECK(context == &wakes);
    /* It may call nothing, and is told so rather than left hanging. */
    tidings_batch *batch = NULL;
    if (tidings_engine_poll(woken, 0, &batch, NULL) == TIDINGS_STATUS_REENTRANT &&
        tidings_engine_stop(woken, 0, NULL, NULL) == TIDINGS_STATUS_REENTRANT &&
        tidings_engine_free(&woken) == TIDINGS_STATUS_REENTRANT)
        atomic_fetch_add(&refused, 1);
    atomic_fetch_add(&wakes, 1);
}

static void a_callback(void) {
    uint64_t local = 0;
    woken = start();
    OK(tidings_engine_on_ready(woken, wake, &wakes, &fault));
    OK(tidings_local_open(woken, &local, &fault));
    say(woken, local, "{\"id\":1,\"connect\":{\"token\":\"alice\"}}");
    double until = seconds() + PATIENCE / 1000.0;
    while (wakes == 0 && seconds() < until) usleep(1000);
    CHECK(wakes == 1 && refused == 1);
    /* Once, until a poll has found nothing left. */
    OK(tidings_local_open(woken, &local, &fault));
    say(woken, local, "{\"id\":1,\"connect\":{\"token\":\"bob\"}}");
    usleep(50000);
    CHECK(wakes == 1);
    drain(woken);
    OK(tidings_local_open(woken, &local, &fault));
    say(woken, local, "{\"id\":1,\"connect\":{\"token\":\"carol\"}}");
    while (wakes == 1 && seconds() < until) usleep(1000);
    CHECK(wakes == 2);
    OK(tidings_engine_on_ready(woken, NULL, NULL, &fault));
    drain(woken);
    end(woken);
    CHECK(wakes == 2 && refused == 2);
}

/* More waits than may: questions are refused, notices are counted, and frames wait in the engine. */
static void a_host_that_does_not_keep_up(void) {
    tidings_config *config = settings();
    set(config, "host.events_max", "50");
    set(config, "times.slow_timeout_ms", "60000");
    tidings_engine *engine = start_with(config);
    reader events = read_from(engine);
    tidings_message message = message_of("E", "{\"n\":1}");
    uint64_t alice = user(&events, "alice");
    say(engine, alice, "{\"id\":2,\"subscribe\":{\"channel\":\"messaging:a\"}}");
    frame(&events, alice, "\"subscribed\"");
    for (int at = 0; at < 200; at++)
        OK(tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    /* A question that finds no room is a no. */
    say(engine, alice, "{\"id\":3,\"call\":{\"method\":\"one\"}}");
    int entries = 0, is_refused = 0;
    while (entries < 200 || !is_refused) {
        tidings_event event = next(&events, TIDINGS_EVENT_KIND_LOCAL_FRAME);
        if (holds(event.data, "\"entry\"") || holds(event.data, "\"entries\"")) entries++;
        if (holds(event.data, "2008")) is_refused = 1;
    }
    CHECK(entries == 200);
    /* Notices: sessions that come and go while nobody listens. */
    for (int at = 0; at < 300; at++) {
        uint64_t local = 0;
        OK(tidings_local_open(engine, &local, &fault));
        OK(tidings_local_close(engine, local, &fault));
    }
    tidings_batch_free(&events.batch);
    end(engine);
}

static void no_time(void) {
    tidings_engine *engine = start();
    tidings_batch *batch = (tidings_batch *)&engine;
    double began = seconds();
    OK(tidings_engine_poll(engine, 100, &batch, &fault));
    CHECK(batch == NULL && seconds() - began >= 0.09);
    OK(tidings_engine_poll(engine, 0, &batch, &fault));
    CHECK(batch == NULL);
    end(engine);
}

/* What the engine logs comes as events, from the level on that the host wants. */
static void logs(void) {
    tidings_config *config = settings();
    set(config, "host.log", "debug");
    tidings_engine *engine = start_with(config);
    reader events = read_from(engine);
    struct sockaddr_in address;
    uint16_t port = 0;
    OK(tidings_listen(engine, TIDINGS_TEXT("127.0.0.1:0"), &port, &fault));
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int stranger = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(stranger >= 0 && connect(stranger, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(write(stranger, "nonsense\r\n\r\n", 12) == 12);
    tidings_event event;
    do event = next(&events, TIDINGS_EVENT_KIND_LOG);
    while (!holds(event.target, "tidings_transports"));
    CHECK(event.detail == TIDINGS_LOG_LEVEL_DEBUG && event.data.len > 0);
    close(stranger);
    tidings_batch_free(&events.batch);
    end(engine);
}

int main(void) {
    unused();
    logs();
    a_descriptor();
    a_callback();
    a_host_that_does_not_keep_up();
    no_time();
    return 0;
}
