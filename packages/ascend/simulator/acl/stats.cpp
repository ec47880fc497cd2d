// simGetStats and OMMA_ASCEND_SIM_STATS: what is alive and what has moved, for tests of leaks and of needless copies.
#include <cstdio>
#include <fstream>

#include "runtime.h"
#include "text.h"

#include <unistd.h>

namespace sim {

namespace {

class Json {
 public:
  Json& add(const char* name, int64_t value) {
    text_ += (text_.empty() ? "\"" : ",\"") + std::string(name) + "\":" + std::to_string(value);
    return *this;
  }
  std::string text() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

int64_t count(size_t value) { return static_cast<int64_t>(value); }

std::string live(const Runtime& state) {
  int64_t bytes = 0, allocations = 0, contexts = 0;
  for (const auto& device : state.devices) {
    bytes += count(device->memory.usedBytes());
    allocations += count(device->memory.allocations());
  }
  for (const auto& entry : state.contexts.all()) contexts += entry.second->primary ? 0 : 1;
  return Json()
      .add("deviceBytes", bytes)
      .add("deviceAllocations", allocations)
      .add("hostPinnedBytes", count(state.pinned.bytes()))
      .add("hostAllocations", count(state.pinned.allocations()))
      .add("contexts", contexts)
      .add("streams", count(state.streams.size()))
      .add("events", count(state.events.size()))
      .add("dataBuffers", count(state.dataBuffers.size()))
      .add("datasets", count(state.datasets.size()))
      .add("tensorDescs", count(state.tensorDescs.size()))
      .add("modelDescs", count(state.modelDescs.size()))
      .add("configs", count(state.modelConfigs.size() + state.execConfigs.size()))
      .add("models", state.models)
      .text();
}

std::string counted(const Counters& counters) {
  return Json()
      .add("hostToDeviceBytes", counters.hostToDevice)
      .add("deviceToHostBytes", counters.deviceToHost)
      .add("deviceToDeviceBytes", counters.deviceToDevice)
      .add("pageableCopies", counters.pageableCopies)
      .add("allocations", counters.allocations)
      .add("executions", counters.executions)
      .add("loads", counters.loads)
      .add("lostAtReset", counters.lostAtReset)
      .text();
}

}  // namespace

std::string statsJson() { return "{\"live\":" + live(runtime()) + ",\"counters\":" + counted(runtime().counters) + "}"; }

// "%p" in the name becomes the process id: the ranks of one run do not overwrite each other. Complete or not at all.
void writeStats(const std::string& json) {
  std::string file = settings().statsFile;
  if (file.empty()) return;
  const size_t place = file.find("%p");
  if (place != std::string::npos) file.replace(place, 2, std::to_string(getpid()));
  const std::string partial = file + ".part";
  std::ofstream out(partial, std::ios::trunc);
  out << json << "\n";
  out.close();
  require(out.good() && std::rename(partial.c_str(), file.c_str()) == 0, acl::kInvalidFile, kAclFile,
          "OMMA_ASCEND_SIM_STATS: expected a file that can be written, found \"" + file + "\"");
}

}  // namespace sim
