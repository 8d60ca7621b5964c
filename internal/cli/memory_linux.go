package cli

import (
	"runtime"
	"syscall"
	"unsafe"
)

// hugePage is the size of a huge page, bytes. Where a processor has larger
// ones, the kernel leaves out what is no whole page.
const hugePage = 2 << 20

// makeRoom has the heap grow to what it will be, in huge pages: one by one, the
// small pages of 100 MB cost up to a tenth of a run. What is asked for is not
// touched before it is needed, and goes to the heap's free pages at once. A
// kernel without huge pages gives small ones, as ever.
//
// See madvise(2), MADV_HUGEPAGE.
func makeRoom() {
	room := make([]byte, stillLimit-roomyHeap)
	at := int(uintptr(unsafe.Pointer(unsafe.SliceData(room))) % hugePage)
	_ = syscall.Madvise(room[(hugePage-at)%hugePage:], syscall.MADV_HUGEPAGE)
	runtime.GC()
}
