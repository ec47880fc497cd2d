// atc of the simulator: the command line, the lines on stdout and the exit status of CANN's offline model compiler (ascend.md 3.1).
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/settings.h"
#include "compile.h"
#include "failure.h"
#include "flags.h"
#include "model.h"
#include "report.h"

namespace omma::atc {

namespace {

constexpr int kFailed = 255;  // main returns -1

void writeFile(const std::string& path, const std::string& bytes) {
  const std::string partial = path + "." + std::to_string(getpid()) + ".tmp";
  std::ofstream file(partial, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file || std::rename(partial.c_str(), path.c_str()) != 0) {
    std::remove(partial.c_str());
    throw Failure("E13004", "Failed to write file " + path + ". Reason: [Error " + std::to_string(errno) + "].");
  }
}

om::Model readOm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  try {
    return om::parse(bytes.data(), bytes.size());
  } catch (const om::FormatError& error) {
    throw Failure("E10041", "Failed to load the model from " + path + ". Reason: " + error.what() + ".");
  }
}

// OMMA_ASCEND_SIM_FAULT: what the tests of whoever calls atc need.
void injectFault() {
  const sim::Faults& faults = sim::settings().faults;
  while (faults.atcHangs) std::this_thread::sleep_for(std::chrono::hours(1));
  if (faults.atcFails) throw Failure("EZ9999", "Inner Error! Injected by OMMA_ASCEND_SIM_FAULT=atc-fail.");
}

std::vector<std::string> run(const Flags& flags) {
  const Options options = readOptions(flags);
  if (options.mode == 6) {
    std::cout << describe(readOm(options.om)) << std::endl;
    return {};
  }
  if (options.mode == 1) {
    writeFile(options.json, toJson(readOm(options.om)));
    return {};
  }
  const OperatorTable table;
  if (flags.has("precision_mode_v2") && !table.hasPrecisionModeV2()) {
    throw Failure("E10053", "There is an error in the command line. Reason: Unknown option --precision_mode_v2.");
  }
  injectFault();
  if (options.mode == 3) {
    const Precheck checked = precheck(readModel(options.model), table);
    writeFile(options.checkReport, checked.report);
    if (!checked.failure.empty()) throw Failure("E13010", checked.failure);
    return {};
  }
  const Compiled compiled = compile(options, table);
  writeFile(options.output + ".om", om::serialize(compiled.model));
  // What the real tool leaves behind in the working directory, so that a caller who does not tidy up is noticed.
  writeFile("fusion_result.json", "[]\n");
  std::filesystem::create_directory("kernel_meta");
  if (flags["display_model_info"] == "1") std::cout << describe(compiled.model) << std::endl;
  return compiled.warnings;
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1000000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  char date[32], out[48];
  std::strftime(date, sizeof date, "%Y-%m-%d-%H:%M:%S", std::localtime(&seconds));
  std::snprintf(out, sizeof out, "%s.%03d.%03d", date, static_cast<int>(micros / 1000), static_cast<int>(micros % 1000));
  return out;
}

int fail(const Failure& failure) {
  std::cout << "ATC run failed, Please check the detail log, Try 'atc --help' for more information" << std::endl;
  std::cout << failure.id() << ": [PID: " << getpid() << "] " << timestamp() << " " << failure.what() << "\n"
            << "        Possible Cause: N/A\n"
            << "        Solution: N/A\n"
            << "        TraceBack (most recent call last):\n"
            << "        [simulator] no further information\n"
            << std::endl;
  return kFailed;
}

}  // namespace

}  // namespace omma::atc

int main(int count, char** arguments) {
  using namespace omma::atc;
  std::cout << "ATC start working now, please wait for a moment." << std::endl;
  try {
    const Flags flags(count, arguments);
    if (flags.help()) {
      std::cout << helpText() << std::endl;
      return 0;
    }
    const auto warnings = run(flags);
    std::cout << "...\nATC run success, welcome to the next use." << std::endl;
    for (const std::string& warning : warnings) std::cout << warning << "\n";
    std::cout << std::endl;
    return 0;
  } catch (const Failure& failure) {
    std::cout << "..." << std::endl;
    return fail(failure);
  } catch (const std::exception& error) {
    std::cout << "..." << std::endl;
    return fail(innerError(error.what()));
  }
}
