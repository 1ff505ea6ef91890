#pragma once

#include <cstdint>
#include <string>

// Numbers for people: three digits and a unit.
namespace fovea {

std::string with_unit(int64_t count);         // powers of 1000: "61.7K", "25.6M", "4.09G"
std::string bytes_with_unit(int64_t number);  // powers of 1024: "40 B", "18.4 KiB"

}  // namespace fovea
