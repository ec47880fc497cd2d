// JPEG files through libjpeg-turbo: the header, and the pixels of a part of the picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace omma {

struct JpegHeader {
  int width;
  int height;
  // 1 to 8 as EXIF counts them; 1 where the file says nothing.
  int orientation;
};

// False when the bytes are no JPEG that `decode_jpeg` takes: damaged, or in the colours of printers.
bool read_jpeg_header(const uint8_t* bytes, size_t size, JpegHeader& header);

// RGB pixels of [left, right) x [top, bottom), and of what lies around it where libjpeg begins and ends.
struct JpegPart {
  int left;
  int top;
  int width;
  int height;
  std::vector<uint8_t> pixels;
};

// Decodes at 1 / `shrink` (1, 2, 4, 8) of the size, in which the rectangle counts; bit for bit what decoding the whole gives there. False when
// the file is damaged as far as it was read, or ends too early: the caller then asks a decoder that says why.
bool decode_jpeg(const uint8_t* bytes, size_t size, int shrink, int left, int top, int right, int bottom, JpegPart& part);

}  // namespace omma
