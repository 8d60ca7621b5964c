package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bwrapPath is the only file that counts as bubblewrap: the system's own. No PATH is searched.
const bwrapPath = "/usr/bin/bwrap"

// Open files that bwrap gets. The first, parentDescriptor, goes on to this program, which bwrap starts.
const (
	programDescriptor = parentDescriptor + 1 + iota
	argumentsDescriptor
	infoDescriptor
)

// childProgram is how bwrap starts this program. The file need not be in the new root.
const childProgram = "/proc/self/fd/4"

// privateInterval is how often the private directories are measured.
const privateInterval = 50 * time.Millisecond

// errManyMounts says that a root has more parts than bwrap takes.
var errManyMounts = errors.New(bwrapPath + " takes at most 9000 arguments, and its root needs more")

// maxBwrapArguments bounds the arguments. bwrap refuses 9,000.
const maxBwrapArguments = 8900

// requireOnlyRootCanChange returns an error if others than root can write a program, or replace it. A link counts as replaceable.
func requireOnlyRootCanChange(program string) (out fs.FileInfo, err error) {
	for path := program; ; path = filepath.Dir(path) {
		info, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		if path == program {
			out = info
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || stat.Uid != 0 || info.Mode().Perm()&0o022 != 0 || !info.IsDir() && (path != program || !info.Mode().IsRegular()) {
			return nil, fmt.Errorf("%s is not trusted: others than root may change %s", program, path)
		}
		if path == "/" {
			return out, nil
		}
	}
}

// bwrapOptions are the namespaces that bwrap makes. With the rights of its file it makes no user namespace: that would be root's, and the
// filter's listener could not read the arguments of calls. root needs none either.
func (s *Sandbox) bwrapOptions(bwrap fs.FileInfo) []string {
	out := []string{
		"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--die-with-parent", "--info-fd", strconv.Itoa(infoDescriptor), "--chdir", "/",
	}
	if !s.access.Network {
		out = append(out, "--unshare-net")
	}
	switch {
	case os.Geteuid() == 0:
		out = append(out, "--cap-drop", "ALL")
	case bwrap.Mode()&fs.ModeSetuid == 0:
		out = append(out, "--unshare-user")
	}
	return out
}

// listBwrapArguments returns the arguments that build the root, as [root.enterRoot] does it.
func (r *root) listBwrapArguments(bwrap fs.FileInfo) ([]string, error) {
	out := []string{"--tmpfs", "/"}
	size := []string{"--size", strconv.Itoa(privateSize)}
	if bwrap.Mode()&fs.ModeSetuid != 0 && os.Geteuid() != 0 {
		size = nil // it is not allowed: see enforcePrivateSize
	}
	kinds := map[string]mountKind{}
	for _, m := range r.Mounts {
		switch m.Kind {
		case emptyDirectory:
			out = append(out, "--dir", m.Path)
		case private:
			out = append(append(append(out, "--perms", "0700"), size...), "--tmpfs", m.Path)
		case readOnly:
			fd, err := unix.Open(m.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
			if errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOENT) {
				continue // this user has no right there, or it has just gone: so the command has not
			}
			if err != nil {
				return nil, &os.PathError{Op: "open", Path: m.Path, Err: err}
			}
			unix.Close(fd)
			out = append(out, "--ro-bind-try", m.Path, m.Path)
		case device:
			out = append(out, "--dev-bind", m.Path, m.Path)
		case writable:
			out = append(out, "--bind", m.Path, m.Path)
		}
		kinds[m.Path] = m.Kind
	}
	for _, link := range slices.Sorted(maps.Keys(r.Links)) {
		if parentKind := nearestMountKind(kinds, link); parentKind == emptyDirectory || parentKind == private {
			out = append(out, "--symlink", r.Links[link], link)
		}
	}
	out = append(out, "--proc", "/proc")
	for _, name := range kernelSettings { // bwrap leaves them to root, if it needs no user namespace
		out = append(out, "--ro-bind-try", "/proc/"+name, "/proc/"+name)
	}
	if out = append(out, "--remount-ro", "/"); len(out) > maxBwrapArguments {
		return nil, errManyMounts
	}
	return out, nil
}

// planBwrap returns bwrap's arguments.
func (s *Sandbox) planBwrap(r *root) ([]string, error) {
	bwrap, err := requireOnlyRootCanChange(bwrapPath)
	if err != nil {
		return nil, err
	}
	parts, err := r.listBwrapArguments(bwrap)
	return append(s.bwrapOptions(bwrap), parts...), err
}

// startBwrap starts bwrap, which starts this program as the first process of new namespaces. It gets the other end of a connection.
func (s *Sandbox) startBwrap(cmd *exec.Cmd, options []string, other *os.File) error {
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer program.Close()
	arguments, err := newMemoryFile(strings.Join(options, "\x00") + "\x00")
	if err != nil {
		return err
	}
	defer arguments.Close()
	info, infoEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer info.Close()
	defer infoEnd.Close()
	cmd.Path, cmd.Args = bwrapPath, []string{bwrapPath, "--args", strconv.Itoa(argumentsDescriptor), "--", childProgram}
	cmd.ExtraFiles = []*os.File{other, program, arguments, infoEnd}
	if err := s.startOnThread(cmd); err != nil {
		return err
	}
	infoEnd.Close()
	if s.first, err = openFirstProcess(info, cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // so that its output is closed
		return fmt.Errorf("%s: %w", bwrapPath, err)
	}
	return nil
}

// newMemoryFile returns an open file with a text, at its beginning.
func newMemoryFile(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("arguments", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "arguments")
	if _, err := file.WriteString(text); err != nil {
		file.Close()
		return nil, err
	}
	if _, err := file.Seek(0, 0); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// openFirstProcess returns a descriptor of the first process of the namespaces, from what bwrap writes about it.
func openFirstProcess(info *os.File, bwrapPID int) (*os.File, error) {
	if err := info.SetReadDeadline(time.Now().Add(startPatience)); err != nil {
		return nil, err
	}
	var first struct {
		PID int `json:"child-pid"`
	}
	if err := json.NewDecoder(info).Decode(&first); err != nil {
		return nil, errors.New("it made no namespaces")
	}
	fd, err := unix.PidfdOpen(first.PID, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "first process")
	if parent := readParent(first.PID); parent != bwrapPID {
		file.Close()
		return nil, errors.New("its first process has ended")
	}
	return file, nil
}

// readParent returns the parent of a process; 0 if there is none.
func readParent(pid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if err != nil || len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// checkFirstProcess returns an error if this process may not read the first one's memory and files: then it could not
// decide about the command's calls.
func (s *Sandbox) checkFirstProcess() error {
	fd, err := unix.PidfdGetfd(int(s.first.Fd()), 0, 0)
	if err == nil {
		unix.Close(fd)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%s makes processes that this one may not inspect", bwrapPath)
	}
	return nil
}

// enforcePrivateSize ends a command, and says so in its output, if its private directories have more than they may. A setuid
// bwrap bounds them by half of the machine's memory.
func enforcePrivateSize(dirs []string, pid int) {
	for {
		for _, dir := range dirs {
			var stat unix.Statfs_t
			if unix.Statfs(dir, &stat) == nil && (stat.Blocks-stat.Bfree)*uint64(stat.Bsize) > privateSize {
				fmt.Fprintf(os.Stderr, "onward ended this command: it wrote more than %d MB in %s, which is in memory\n", privateSize>>20, dir)
				_ = unix.Kill(pid, unix.SIGKILL)
				return
			}
		}
		time.Sleep(privateInterval)
	}
}

// killFirstProcess ends the first process, and waits until all processes of its namespaces have ended with it.
func (s *Sandbox) killFirstProcess() {
	if s.first == nil {
		return
	}
	_ = unix.PidfdSendSignal(int(s.first.Fd()), unix.SIGKILL, nil, 0) // it may have ended
	fds := []unix.PollFd{{Fd: int32(s.first.Fd()), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, int(startPatience/time.Millisecond)); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	s.first.Close()
	s.first = nil
}
