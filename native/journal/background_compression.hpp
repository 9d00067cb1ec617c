/// Compresses sealed pages one after the other, on a thread that gives way to all others.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace kungfu::journal {

class BackgroundCompression {
  public:
    BackgroundCompression() = default;
    ~BackgroundCompression() { stop(); }
    BackgroundCompression(const BackgroundCompression&) = delete;
    BackgroundCompression& operator=(const BackgroundCompression&) = delete;

    /// Leaves a sealed page to be compressed and then removed. What cannot be compressed stays as it is.
    void add(std::string page_path);
    /// Ends with the page in hand; the others stay as they are, for the next writer.
    void stop() noexcept;

  private:
    void loop();

    std::mutex lock_;
    std::condition_variable more_;
    std::deque<std::string> pages_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace kungfu::journal
