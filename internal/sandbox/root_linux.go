package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// root is a command's own root directory: the files that it may use, at their usual places.
type root struct {
	// Dir is an empty directory, in which it is built.
	Dir string
	// Links are the symbolic links in the paths to the mounts: the path of each, and its target.
	Links  map[string]string
	Mounts []mount
}

// mount is a directory or file of the root.
type mount struct {
	Path string
	Kind mountKind
}

type mountKind int

// The kinds of mounts: one with more rights comes later.
const (
	emptyDirectory mountKind = iota // of which only the mounts below it can be seen
	readOnly
	writable
	device
	private // a new file system, in memory
)

// privateSize bounds a file system in memory, and rootSize the one of the root itself.
const (
	privateSize = 256 << 20
	rootSize    = 16 << 20
)

// kernelSettings are files in /proc that only may be read.
var kernelSettings = []string{"sys", "sysrq-trigger", "irq", "bus"}

// planRoot returns the root that has what some rules grant. privateDirs are empty in it, and the command may write there.
func planRoot(rules []confine.Rule, privateDirs []string) root {
	r := root{Links: map[string]string{}}
	kinds := map[string]mountKind{}
	add := func(path string, kind mountKind) {
		if real := r.resolveLinks(path); real != "" && real != "/" && !isBelow(real, "/proc") {
			kinds[real] = max(kinds[real], kind)
		}
	}
	for _, rule := range rules {
		switch {
		case rule.Rights == unix.LANDLOCK_ACCESS_FS_READ_DIR:
			add(rule.Path, emptyDirectory)
		case strings.HasPrefix(rule.Path, "/dev/") && !isBelow(rule.Path, sharedMemory):
			add(rule.Path, device)
		case rule.Rights == mayChange:
			add(rule.Path, writable)
		default:
			add(rule.Path, readOnly)
		}
	}
	for _, dir := range privateDirs {
		if real := r.resolveLinks(dir); kinds[real] == emptyDirectory { // else the user has given it to the command
			add(dir, private)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(kinds)) {
		kind := kinds[path]
		if parentKind := nearestMountKind(kinds, path); parentKind == emptyDirectory || parentKind == private || kind > parentKind {
			r.Mounts = append(r.Mounts, mount{path, kind})
		} else {
			delete(kinds, path)
		}
	}
	return r
}

// listPrivateMounts returns the directories that are new.
func (r *root) listPrivateMounts() (out []string) {
	for _, m := range r.Mounts {
		if m.Kind == private {
			out = append(out, m.Path)
		}
	}
	return out
}

// nearestMountKind returns the kind of the mount in which a path lies.
func nearestMountKind(kinds map[string]mountKind, path string) mountKind {
	for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
		if kind := kinds[dir]; kind != emptyDirectory {
			return kind
		}
	}
	return emptyDirectory
}

// resolveLinks returns the real path of a file, and adds the links on the way; "" if there is no such file.
func (r *root) resolveLinks(path string) string {
	dir, rest := "/", splitPath(path)
	for links := 0; len(rest) > 0; {
		next := filepath.Join(dir, rest[0])
		target, err := os.Readlink(next)
		if err != nil {
			dir, rest = next, rest[1:]
			continue
		}
		if links++; links > 40 {
			return ""
		}
		r.Links[next] = target
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		dir, rest = "/", append(splitPath(target), rest[1:]...)
	}
	if _, err := os.Lstat(dir); err != nil && dir != sharedMemory {
		return ""
	}
	return dir
}

func splitPath(path string) []string {
	return strings.FieldsFunc(filepath.Clean(path), func(c rune) bool { return c == '/' })
}

// enterRoot builds the root and makes it the root of the calling process's mount namespace. Nothing else stays reachable.
func (r *root) enterRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("separate the mounts: %w", err)
	}
	if err := unix.Mount("tmpfs", r.Dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=0755,size=%d", rootSize)); err != nil {
		return fmt.Errorf("mount a new root: %w", err)
	}
	kinds := map[string]mountKind{}
	for _, m := range r.Mounts {
		if err := r.addMount(m, nearestMountKind(kinds, m.Path)); err != nil {
			return fmt.Errorf("mount %s: %w", m.Path, err)
		}
		kinds[m.Path] = m.Kind
	}
	for _, link := range slices.Sorted(maps.Keys(r.Links)) {
		if parentKind := nearestMountKind(kinds, link); parentKind == emptyDirectory || parentKind == private {
			place := r.Dir + link
			if err := errors.Join(os.MkdirAll(filepath.Dir(place), 0o755), os.Symlink(r.Links[link], place)); err != nil && !errors.Is(err, os.ErrExist) {
				return fmt.Errorf("make the link %s: %w", link, err)
			}
		}
	}
	if err := r.mountProcesses(); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, r.Dir, 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return fmt.Errorf("protect the new root: %w", err)
	}
	err := unix.Chdir(r.Dir)
	if err == nil {
		err = unix.PivotRoot(".", ".") // the old root lies above the new one then
	}
	if err == nil {
		err = unix.Unmount(".", unix.MNT_DETACH)
	}
	if err == nil {
		err = unix.Chdir("/")
	}
	if err != nil {
		return fmt.Errorf("enter the new root: %w", err)
	}
	return nil
}

// addMount adds a mount. parentKind is the kind of the mount in which it lies. An emptyDirectory or a private one does not have the file yet.
func (r *root) addMount(m mount, parentKind mountKind) error {
	place := r.Dir + m.Path
	if parentKind == emptyDirectory || parentKind == private {
		if err := createMountPoint(m, place); err != nil {
			return err
		}
	}
	switch m.Kind {
	case emptyDirectory:
		return nil
	case private:
		return unix.Mount("tmpfs", place, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=0700,size=%d", privateSize))
	case readOnly:
		err := bindFile(m.Path, place, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_RDONLY)
		if errors.Is(err, os.ErrPermission) && !errors.Is(err, unix.EPERM) || errors.Is(err, os.ErrNotExist) {
			return nil // this user has no right there, or it has just gone: so the command has not
		}
		return err
	case device:
		return bindFile(m.Path, place, unix.MOUNT_ATTR_NOSUID)
	}
	return bindFile(m.Path, place, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
}

// createMountPoint makes the directory or the empty file on which something is mounted.
func createMountPoint(m mount, place string) error {
	info, err := os.Stat(m.Path)
	if m.Kind == private || m.Kind == emptyDirectory || err != nil || info.IsDir() {
		return os.MkdirAll(place, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(place, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// bindFile mounts a file or directory, with all that is mounted below it, at another place.
func bindFile(from, to string, attributes uint64) error {
	fd, err := unix.OpenTree(unix.AT_FDCWD, from, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attributes}); err != nil {
		return err
	}
	return unix.MoveMount(fd, "", unix.AT_FDCWD, to, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// mountProcesses mounts the list of the namespace's own processes. The kernel's settings in it are read-only.
func (r *root) mountProcesses() error {
	place := r.Dir + "/proc"
	if err := os.MkdirAll(place, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("proc", place, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	for _, name := range kernelSettings {
		err := bindFile(filepath.Join(place, name), filepath.Join(place, name), unix.MOUNT_ATTR_RDONLY)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
