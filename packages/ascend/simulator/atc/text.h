// Small helpers on strings and lists that the command line and the messages share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace omma::atc {

using Dims = std::vector<int64_t>;

std::string trim(const std::string& text);

// Parts between the separators, trimmed; one trailing separator adds no part, as in the real tool. An empty text has no parts.
std::vector<std::string> split(const std::string& text, char separator);

std::string join(const std::vector<std::string>& parts, const std::string& separator);

// "[1,3,224,224]"
std::string format(const Dims& dims);

// Whole non-negative decimal number, or -1 with its sign; false for anything else or out of range.
bool parseInteger(const std::string& text, int64_t& value);

// The product of dims, as a number of elements. Throws Failure on overflow.
int64_t elements(const Dims& dims);

}  // namespace omma::atc
