// Asio, in one place. Its configuration depends on which standard headers came before it (with
// none, memory is taken by operator new and given back by free()), so every file of ours must see
// it through this header.
#pragma once

// Standard first: see above.
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>

#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
