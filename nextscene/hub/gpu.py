"""How many GPUs, and how much memory, asked of NVIDIA's driver itself: importing torch for that would take seconds."""

import ctypes


def count() -> int:
    """How many GPUs this process may use."""
    driver, found = _driver(), ctypes.c_int()
    return 0 if not driver or driver.cuDeviceGetCount(ctypes.byref(found)) else found.value


def total_memory() -> int | None:
    """Bytes of the first GPU that this process may use; None, where there is no driver or no GPU."""
    driver, device, size = _driver(), ctypes.c_int(), ctypes.c_size_t()
    if not driver or not count():
        return None
    if driver.cuDeviceGet(ctypes.byref(device), 0) or driver.cuDeviceTotalMem_v2(ctypes.byref(size), device):
        return None
    return size.value


def _driver() -> ctypes.CDLL | None:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return None if driver.cuInit(0) else driver
