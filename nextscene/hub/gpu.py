"""How many GPUs, and how much memory, asked of NVIDIA's driver itself: importing torch for that would take seconds."""

import ctypes

A_CYCLE = {  # products and sums in bf16 that a GPU's unit does in a cycle, from which compute capability on
    (7, 0): 1024, (7, 5): 512, (8, 0): 2048, (8, 6): 512, (8, 9): 512, (9, 0): 4096, (10, 0): 8192, (12, 0): 512,
}  # fmt: skip


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


def speed() -> float | None:
    """About how many products and sums in bf16 its matrix units do in a second, by its kind; None, without a GPU."""
    driver, device = _driver(), ctypes.c_int()
    if not driver or not count() or driver.cuDeviceGet(ctypes.byref(device), 0):
        return None
    major, minor, units, kilohertz = (_attribute(driver, device, which) for which in (75, 76, 16, 13))
    known = [(kind, each) for kind, each in A_CYCLE.items() if kind <= (major, minor)]
    return units * kilohertz * 1e3 * (known[-1][1] if known else 128)


def _attribute(driver: ctypes.CDLL, device: ctypes.c_int, which: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), which, device)
    return value.value


def _driver() -> ctypes.CDLL | None:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return None if driver.cuInit(0) else driver
