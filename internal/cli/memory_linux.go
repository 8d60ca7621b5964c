package cli

import (
	"runtime"
	"syscall"
	"unsafe"
)

// hugePage is the size of a huge page, bytes. If a processor has larger ones, the kernel
// ignores incomplete pages.
const hugePage = 2 << 20

// growHeap grows the heap to its later size in huge pages: the page faults for 100 MB of
// small pages cost up to a tenth of a run. The memory is not touched before it is needed,
// and joins the heap's free pages immediately. A kernel without huge pages uses small
// ones, as always.
//
// See madvise(2), MADV_HUGEPAGE.
func growHeap() {
	room := make([]byte, stillLimit-roomyHeap)
	offset := int(uintptr(unsafe.Pointer(unsafe.SliceData(room))) % hugePage)
	_ = syscall.Madvise(room[(hugePage-offset)%hugePage:], syscall.MADV_HUGEPAGE)
	runtime.GC()
}
