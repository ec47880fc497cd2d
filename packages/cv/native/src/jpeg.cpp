#include "jpeg.h"

#include <cstdio>
#include <algorithm>
#include <csetjmp>
#include <cstring>

#include <jpeglib.h>

namespace omma {
namespace {

// libjpeg reports errors by a function that must not return. Everything between setjmp and the jump is plain C. What the decoder holds is given back
// when it goes, also where C++ runs out of memory in between.
struct Decoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf failed;
  bool warned = false;

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&info); }
};

void on_error(j_common_ptr info) {
  std::longjmp(static_cast<Decoder*>(info->client_data)->failed, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level < 0) static_cast<Decoder*>(info->client_data)->warned = true;
}

void begin(Decoder& decoder) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_message;
  decoder.info.client_data = &decoder;
}

// The tag 0x0112 in the first directory of an EXIF segment; 1 when there is none that makes sense.
int orientation_of(const uint8_t* data, unsigned length) {
  if (length < 14 || std::memcmp(data, "Exif\0", 6) != 0) return 1;
  const uint8_t* tiff = data + 6;
  const unsigned size = length - 6;
  const bool big = tiff[0] == 'M';
  const auto u16 = [&](unsigned at) -> unsigned {
    if (at + 2 > size) return 0;
    return big ? tiff[at] << 8 | tiff[at + 1] : tiff[at + 1] << 8 | tiff[at];
  };
  const unsigned long directory = big ? static_cast<unsigned long>(u16(4)) << 16 | u16(6)
                                      : static_cast<unsigned long>(u16(6)) << 16 | u16(4);
  if (directory + 2 > size) return 1;
  const unsigned count = u16(directory);
  for (unsigned i = 0; i < count && directory + 14 + 12ul * i <= size; i++) {
    const unsigned entry = directory + 2 + 12 * i;
    if (u16(entry) == 0x0112) {
      const unsigned value = u16(entry + 8);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

// An end-of-image marker near the end: a file that was cut off has none.
bool is_whole(const uint8_t* bytes, size_t size) {
  const size_t from = size > 4096 ? size - 4096 : 0;
  for (size_t at = size; at >= from + 2; at--)
    if (bytes[at - 2] == 0xff && bytes[at - 1] == 0xd9) return true;
  return false;
}

bool is_supported(const jpeg_decompress_struct& info) {
  return info.jpeg_color_space == JCS_YCbCr || info.jpeg_color_space == JCS_RGB ||
         info.jpeg_color_space == JCS_GRAYSCALE;
}

}  // namespace

bool read_jpeg_header(const uint8_t* bytes, size_t size, JpegHeader& header) {
  if (size < 4 || bytes[0] != 0xff || bytes[1] != 0xd8) return false;
  Decoder decoder;
  begin(decoder);
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  jpeg_save_markers(&decoder.info, JPEG_APP0 + 1, 0xffff);
  jpeg_mem_src(&decoder.info, bytes, size);
  jpeg_read_header(&decoder.info, TRUE);
  header = {static_cast<int>(decoder.info.image_width), static_cast<int>(decoder.info.image_height), 1};
  for (auto* marker = decoder.info.marker_list; marker != nullptr && header.orientation == 1; marker = marker->next)
    header.orientation = orientation_of(marker->data, marker->data_length);
  const bool usable = is_supported(decoder.info) && !decoder.warned;
  return usable;
}

bool decode_jpeg(const uint8_t* bytes, size_t size, int shrink, int left, int top, int right, int bottom, JpegPart& part) {
  if (!is_whole(bytes, size)) return false;
  Decoder decoder;
  begin(decoder);
  auto& info = decoder.info;
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes, size);
  jpeg_read_header(&info, TRUE);
  if (!is_supported(info)) return false;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(shrink);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  // Chroma is interpolated between neighbours, so the pixels at the cut differ from the whole picture's: they are decoded and not used.
  constexpr int kMargin = 4;
  const int whole_width = static_cast<int>(info.output_width);
  const int whole_height = static_cast<int>(info.output_height);
  part.top = std::max(0, top - kMargin);
  part.height = std::min(whole_height, bottom + kMargin) - part.top;
  JDIMENSION offset = static_cast<JDIMENSION>(std::max(0, left - kMargin));
  JDIMENSION width = static_cast<JDIMENSION>(std::min(whole_width, right + kMargin)) - offset;
  if (static_cast<int>(width) < whole_width) jpeg_crop_scanline(&info, &offset, &width);
  part.left = static_cast<int>(offset);
  part.width = static_cast<int>(info.output_width);
  const size_t stride = static_cast<size_t>(part.width) * 3;
  part.pixels.resize(stride * part.height);
  if (part.top > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(part.top));
  for (int y = 0; y < part.height;) {
    JSAMPROW rows[8];
    const int count = std::min(8, part.height - y);
    for (int i = 0; i < count; i++) rows[i] = part.pixels.data() + stride * (y + i);
    y += static_cast<int>(jpeg_read_scanlines(&info, rows, static_cast<JDIMENSION>(count)));
  }
  jpeg_abort_decompress(&info);
  return !decoder.warned;
}

}  // namespace omma
