// What happens before what: vector clocks over streams, with which a model that two streams run without an order between them is found for sure,
// not only when the two happen to meet.
//
// Every task has a number on its stream. A stream's clock says which tasks of other streams its next task comes after: by events it waited for,
// and by what the host had synchronised when it enqueued. The host counts as one, whichever thread it is: an order between its threads is assumed.
#pragma once

#include <cstdint>
#include <map>

namespace sim {

using Clock = std::map<uint64_t, uint64_t>;  // stream -> the last of its tasks that comes before

// A place in the order: task `task` of stream `stream`. Stream 0: nothing to wait for.
struct Moment {
  uint64_t stream = 0;
  uint64_t task = 0;
};

void joinClock(Clock& into, const Clock& other);

// The host has seen the end of all that `clock` holds.
void hostSaw(const Clock& clock);

// Adds what the host has seen so far.
void joinHost(Clock& into);

// A stream that is gone has no tasks left that could still run.
void forgetStream(uint64_t stream);
void rememberStream(uint64_t stream);

// Does `moment` come before a task with this clock? With the host's own clock: before what the host does now.
bool isBefore(const Moment& moment, const Clock& clock);
bool isBeforeHost(const Moment& moment);

}  // namespace sim
