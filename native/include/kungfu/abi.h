/* The C interface between the core and native components of plugins (a venue, a C++ strategy).
 *
 * A plugin's factory returns a PyCapsule named KF_COMPONENT_CAPSULE that holds a kf_component; the
 * core takes ownership, checks abi_version and layout_hash, calls start() with a kf_port and then
 * poll() in turn. Only plain structs and function tables cross; no exception may. All calls to one
 * component come from one thread at a time.
 */
#pragma once

#include <stdint.h>

#include "kungfu/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KF_ABI_VERSION 1u
#define KF_COMPONENT_CAPSULE "kungfu.component.v1"

/* What an append can come to. Everything but KF_OK leaves the journal as it was. */
enum kf_status {
    KF_OK = 0,
    KF_DISK_FULL = 1,    /* no room for the next page */
    KF_TOO_LARGE = 2,    /* the frame does not fit into a page */
    KF_IO_ERROR = 3,     /* the file system said no; errno tells */
    KF_BAD_ARGUMENT = 4, /* no such output, or a type that was never defined */
    KF_CLOSED = 5        /* the journal is closed */
};

/* The event that caused another: its journal, its sequence and its generation time. */
typedef struct kf_cause {
    uint64_t journal;
    uint64_t sequence;
    int64_t time;
} kf_cause;

/* One event as it was read. */
typedef struct kf_event {
    const kf_frame* frame; /* the payload follows it; valid until the next call of next() */
    uint64_t journal;      /* the journal it was read from */
    uint32_t type;         /* the type's number in this process; 0 if unknown here */
    uint32_t length;       /* bytes of payload */
} kf_event;

/* What the core gives a component: its joined inputs, its output journals, its time. */
typedef struct kf_port {
    uint32_t abi_version;
    uint32_t struct_size;
    uint64_t layout_hash;
    void* self;
    /* Takes the next unread event, merged by time over all inputs; 0 if there is none yet. */
    int32_t (*next)(void* self, kf_event* event);
    /* The time of the event or timer in hand, in ns since 1970 UTC; never goes back. */
    int64_t (*now)(void* self);
    /* Appends to an output journal (0 is the first that the component was given). The cause is the
     * event last taken where `cause` is NULL. */
    int32_t (*append)(void* self, uint32_t output, uint32_t type, uint64_t destination, const kf_cause* cause,
                      const void* payload, uint32_t length);
    /* The component's own 64-bit source id. */
    uint64_t (*source)(void* self);
    /* Sequence of the last event that was said in output 0; also where it is said again in a rebuild. */
    uint64_t (*said)(void* self);
    /* While the component is rebuilt: what it said next in output 0. 2 with the payload (valid until
     * something is said) if that was of this type, 1 if it was not, 0 if nothing is rebuilt. */
    int32_t (*recorded)(void* self, uint32_t type, const void** payload, uint32_t* length);
} kf_port;

/* What a component gives the core. */
typedef struct kf_component {
    uint32_t abi_version;
    uint32_t struct_size;
    uint64_t layout_hash;
    void* self;
    /* Called once before the first poll(); `port` outlives the component. 0, or a failure. */
    int32_t (*start)(void* self, const kf_port* port);
    /* Does a bounded amount of work; says how much it did, 0 for none, negative for a failure. */
    int64_t (*poll)(void* self);
    /* When it wants to be polled even if nothing arrives; INT64_MAX for never. */
    int64_t (*next_time)(void* self);
    /* Called once when the session ends in order. 0, or a failure. */
    int32_t (*stop)(void* self);
    /* Its state as bytes, valid until the next call; `size` 0 if it keeps none. From equal states equal
     * behaviour follows, so that what was read before need not be read again. */
    const void* (*save)(void* self, uint64_t* size);
    /* Takes a state that save() gave, after start() and before the first poll(). 0, or a failure. */
    int32_t (*load)(void* self, const void* bytes, uint64_t size);
    /* What it is set to, as text, valid until the next call; journaled when it starts, and given to it again
     * with that when it is rebuilt. `size` 0 if it is set to nothing. */
    const void* (*settings)(void* self, uint64_t* size);
    /* What the last failure was; "" if there was none. */
    const char* (*error)(void* self);
    void (*destroy)(void* self);
} kf_component;

#ifdef __cplusplus
}
#endif
