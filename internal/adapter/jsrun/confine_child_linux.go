package jsrun

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// startProcess starts this program as the child, under a name, from a thread that may use no file but the program
// itself. files are its descriptors 0, 1, ….
func startProcess(name string, files []*os.File) (*os.Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	rules := []confine.Rule{{Path: program, Rights: confine.MayExecute}}
	pid := 0
	confine.OnOwnThread(func() { pid, err = startConfined(program, name, rules, files) })
	if errors.Is(err, os.ErrPermission) { // a program that the C compiler has linked loads libraries
		for _, dir := range []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"} {
			rules = append(rules, confine.Rule{Path: dir, Rights: confine.MayExecute | confine.MayRead})
		}
		confine.OnOwnThread(func() { pid, err = startConfined(program, name, rules, files) })
	}
	if err != nil {
		return nil, err
	}
	return os.FindProcess(pid) // not on the other thread, whose descriptors are its own
}

// startConfined restricts the calling thread to files, and starts the child from it.
func startConfined(program, name string, rules []confine.Rule, files []*os.File) (int, error) {
	attr := &syscall.ProcAttr{Dir: "/", Env: childEnvironment}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	defer runtime.KeepAlive(files)
	confine.ForgetDescriptors()
	if abi, missing := confine.LandlockVersion(); missing == nil && confine.ForbidNewPrivileges() == nil {
		abi = min(abi, confine.NewestLandlock)
		// If it fails, the filter of the child refuses the same, or the child says what is missing.
		_ = confine.RestrictFiles(abi, confine.HandledRights(abi), rules)
	}
	return syscall.ForkExec(program, []string{name}, attr)
}

// confineChild takes all but memory, time and its open pipes from this process. It returns sentences about what the
// system does not support.
func confineChild() (gaps []string) {
	limits := map[int]uint64{
		unix.RLIMIT_AS: ownAddressSpaceSize() + hardMemory, unix.RLIMIT_DATA: 2 * hardMemory,
		unix.RLIMIT_CPU: mostSeconds, unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0,
	}
	if err := confine.LowerLimits(0, limits); err != nil {
		gaps = append(gaps, fmt.Sprintf("migrations ran without the system's limits of memory and time (%v)", err))
	}
	err := confine.ForbidNewPrivileges()
	if err == nil {
		err = restrictSystemCalls()
	}
	if err != nil {
		gaps = append(gaps, fmt.Sprintf("migrations ran in an interpreter whose system calls are not filtered (%v)", err))
	}
	return gaps
}

// ownAddressSpaceSize returns the size of this process's address space. Go reserves much that it never uses.
func ownAddressSpaceSize() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	pages, _, _ := strings.Cut(string(text), " ")
	n, parse := strconv.ParseUint(pages, 10, 64)
	if errors.Join(err, parse) != nil {
		return 2 << 30 // /proc is refused: as much as Go reserves at most
	}
	return n * uint64(os.Getpagesize())
}
