// What JavaScript calls: three functions that do their work before they return. Worker threads of the data loader call them, so nothing here is global.

#include <new>
#include <stdexcept>

#include <napi.h>

#include "jpeg.h"
#include "resample.h"

namespace {

struct Span {
  uint8_t* data;
  size_t size;
};

// The bytes of a Uint8Array; it may lie in shared memory.
Span bytes_of(const Napi::Value& value) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  const napi_status status = napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != napi_uint8_array) throw Napi::TypeError::New(value.Env(), "expected a Uint8Array");
  return {static_cast<uint8_t*>(data), length};
}

int whole(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

// The seven numbers of a plan: region (left, top, width, height), size (width, height), flip.
struct Plan {
  double left, top, region_width, region_height;
  int width, height;
  bool flip;

  Plan(const Napi::CallbackInfo& info, size_t at)
      : left(info[at].As<Napi::Number>()),
        top(info[at + 1].As<Napi::Number>()),
        region_width(info[at + 2].As<Napi::Number>()),
        region_height(info[at + 3].As<Napi::Number>()),
        width(whole(info[at + 4])),
        height(whole(info[at + 5])),
        flip(info[at + 6].As<Napi::Boolean>()) {
    if (width < 1 || height < 1 || !(region_width > 0) || !(region_height > 0))
      throw Napi::RangeError::New(info.Env(), "expected a region and a size that are not empty");
  }
};

void require_size(const Napi::Env& env, const Span& span, size_t expected, const char* what) {
  if (span.size != expected)
    throw Napi::RangeError::New(env, std::string(what) + " has " + std::to_string(span.size) + " bytes, expected " + std::to_string(expected));
}

// jpegHeader(bytes): [width, height, orientation], or null for what is not decoded here.
Napi::Value JpegHeader(const Napi::CallbackInfo& info) {
  const Span bytes = bytes_of(info[0]);
  omma::JpegHeader header{};
  if (!omma::read_jpeg_header(bytes.data, bytes.size, header)) return info.Env().Null();
  Napi::Array result = Napi::Array::New(info.Env(), 3);
  result.Set(0u, header.width);
  result.Set(1u, header.height);
  result.Set(2u, header.orientation);
  return result;
}

// renderJpeg(bytes, width, height, shrink, plan..., target): writes the planned pixels; false for a damaged file. `width` and `height` are those of the
// whole picture at 1 / shrink, and the plan counts in them.
Napi::Value RenderJpeg(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Span bytes = bytes_of(info[0]);
  const int width = whole(info[1]);
  const int height = whole(info[2]);
  const int shrink = whole(info[3]);
  const Plan plan(info, 4);
  const Span target = bytes_of(info[11]);
  require_size(env, target, static_cast<size_t>(plan.width) * plan.height * 3, "the target");
  const auto across = omma::axis_weights(plan.left, plan.region_width, plan.width, width, plan.flip);
  const auto down = omma::axis_weights(plan.top, plan.region_height, plan.height, height, false);
  const auto columns = omma::range_of(across);
  const auto rows = omma::range_of(down);
  omma::JpegPart part{};
  if (!omma::decode_jpeg(bytes.data, bytes.size, shrink, columns.from, rows.from, columns.to, rows.to, part) ||
      part.left > columns.from || part.left + part.width < columns.to || part.top > rows.from ||
      part.top + part.height < rows.to) {
    return Napi::Boolean::New(env, false);
  }
  const size_t stride = static_cast<size_t>(part.width) * 3;
  omma::resample({part.pixels.data(), stride, 3, part.left, part.top, part.pixels.size()}, across, down, target.data);
  return Napi::Boolean::New(env, true);
}

// decodeJpeg(bytes, width, height, target): all pixels; false for a damaged file.
Napi::Value DecodeJpeg(const Napi::CallbackInfo& info) {
  const Span bytes = bytes_of(info[0]);
  const int width = whole(info[1]);
  const int height = whole(info[2]);
  const Span target = bytes_of(info[3]);
  require_size(info.Env(), target, static_cast<size_t>(width) * height * 3, "the target");
  omma::JpegPart part{};
  const bool good = omma::decode_jpeg(bytes.data, bytes.size, 1, 0, 0, width, height, part) &&
                    part.pixels.size() == target.size;
  if (good) std::copy(part.pixels.begin(), part.pixels.end(), target.data);
  return Napi::Boolean::New(info.Env(), good);
}

// resample(source, width, height, channels, plan..., target)
void Resample(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Span source = bytes_of(info[0]);
  const int width = whole(info[1]);
  const int height = whole(info[2]);
  const int channels = whole(info[3]);
  const Plan plan(info, 4);
  const Span target = bytes_of(info[11]);
  if (width < 1 || height < 1 || channels < 1) throw Napi::RangeError::New(env, "expected a picture that is not empty");
  const size_t stride = static_cast<size_t>(width) * channels;
  require_size(env, source, stride * height, "the picture");
  require_size(env, target, static_cast<size_t>(plan.width) * plan.height * channels, "the target");
  const auto across = omma::axis_weights(plan.left, plan.region_width, plan.width, width, plan.flip);
  const auto down = omma::axis_weights(plan.top, plan.region_height, plan.height, height, false);
  omma::resample({source.data, stride, channels, 0, 0, source.size}, across, down, target.data);
}

// node-addon-api turns its own exceptions into JavaScript's; any other would cross Node's C functions and end the process.
template <auto Work>
auto guarded(const Napi::CallbackInfo& info) {
  try {
    return Work(info);
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(info.Env(), "there is not enough memory for the picture");
  } catch (const std::length_error&) {
    throw Napi::Error::New(info.Env(), "there is not enough memory for the picture");
  }
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("jpegHeader", Napi::Function::New(env, guarded<JpegHeader>));
  exports.Set("decodeJpeg", Napi::Function::New(env, guarded<DecodeJpeg>));
  exports.Set("renderJpeg", Napi::Function::New(env, guarded<RenderJpeg>));
  exports.Set("resample", Napi::Function::New(env, guarded<Resample>));
  return exports;
}

}  // namespace

NODE_API_MODULE(omma_pictures, Init)
