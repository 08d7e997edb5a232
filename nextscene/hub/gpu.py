"""How much memory the GPU has, asked of NVIDIA's driver itself: importing torch for that would take seconds."""

import ctypes


def total_memory() -> int | None:
    """Bytes of the first GPU that this process may use; None, where there is no driver or no GPU."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count, device, size = ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    if driver.cuDeviceGet(ctypes.byref(device), 0) or driver.cuDeviceTotalMem_v2(ctypes.byref(size), device):
        return None
    return size.value
