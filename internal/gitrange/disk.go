package gitrange

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// diskTree is a Tree of files on disk: the working tree, or the result of DirTree.
type diskTree struct {
	modules map[string]string // submodules
	name    string
	root    string
	files   list
	// stored reads a file that is not on disk although it belongs to the
	// working tree (sparse checkout), by its blob id; nil for DirTree.
	stored    func(f File) ([]byte, error)
	untracked map[string]bool // of the working tree
}

// listWorkingTree lists the working tree: the tracked files that exist, and the
// untracked ones that are not ignored.
func (r *Repo) listWorkingTree(ctx context.Context) (*diskTree, error) {
	out, err := r.git.runForOutput(ctx, "ls-files", "-t", "-s", "-c", "-o", "--exclude-standard", "-z")
	if err != nil {
		return nil, fmt.Errorf("list the working tree: %w", err)
	}
	entries, err := parseIndex(out)
	if err != nil {
		return nil, fmt.Errorf("list the working tree: %w", err)
	}
	t := &diskTree{name: WorkingTree, root: r.root, files: make(list, 0, len(entries)), untracked: map[string]bool{}, modules: listSubmodules(out)}
	t.stored = r.readSparseFile
	folders := folders{root: r.root, real: map[string]bool{".": true}}
	for _, e := range entries {
		f := File{Path: e.path, Symlink: e.mode == modeSymlink, Executable: e.mode == modeExecutable, Size: -1}
		if e.sparse {
			f.ID = e.id
		}
		if folders.isRealDir(filepath.Dir(filepath.FromSlash(e.path))) {
			info, err := os.Lstat(t.diskPath(e.path))
			if err == nil && (info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0) {
				f.ID, f.Size = "", info.Size()
				f.Symlink = info.Mode()&fs.ModeSymlink != 0
				f.Executable = info.Mode().IsRegular() && info.Mode()&0o100 != 0
				f.Untracked = e.untracked
				t.files = append(t.files, f)
				if e.untracked {
					t.untracked[e.path] = true
				}
				continue
			}
		}
		if e.sparse {
			t.files = append(t.files, f)
		}
		// Everything else is deleted, or became a directory or a device.
	}
	t.files.sortPaths()
	return t, nil
}

// folders remembers which directories are reached without a symbolic link: as for git, a
// file below a link is not the tracked one.
type folders struct {
	root string
	real map[string]bool
}

func (d *folders) isRealDir(dir string) bool {
	isReal, known := d.real[dir]
	if !known {
		isReal = d.isRealDir(filepath.Dir(dir))
		if isReal {
			info, err := os.Lstat(filepath.Join(d.root, dir))
			isReal = err == nil && info.IsDir()
		}
		d.real[dir] = isReal
	}
	return isReal
}

func (r *Repo) readSparseFile(f File) ([]byte, error) {
	var data []byte
	var failed error
	err := r.batch.readObjects([]string{f.ID}, func(_ int, got []byte, err error) { data, failed = got, err })
	if err = errors.Join(err, failed); err == nil {
		return data, nil
	}
	if r.partial && (errors.Is(err, errMissing) || isMissingObject(err)) {
		return nil, &MissingObjectsError{Rev: WorkingTree, Paths: []string{f.Path}, Count: 1, Run: r.fetchObjectsCommand()}
	}
	return nil, fmt.Errorf("read %s from the index: %w", f.Path, err)
}

func (t *diskTree) Name() string  { return t.name }
func (t *diskTree) Files() []File { return t.files }

// Dir returns the root: the files are already on disk.
func (t *diskTree) Dir(context.Context) (string, error) { return t.root, nil }

func (t *diskTree) diskPath(path string) string {
	return filepath.Join(t.root, filepath.FromSlash(path))
}

func (t *diskTree) Read(path string) ([]byte, error) {
	f, ok := t.files.findPath(path)
	switch {
	case !ok:
		return nil, notInTreeError(path, t.name)
	case f.Err != nil:
		return nil, f.Err
	case f.ID != "":
		return t.stored(f)
	case f.Symlink:
		return t.readLink(path)
	}
	// The file was listed as a regular one, in real directories.
	file, err := openFile(t.diskPath(path))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, rootCause(err))
	}
	defer file.close()
	return readOpenFile(file, path)
}

// readLink reads the target of a symbolic link; os.Root keeps it inside.
func (t *diskTree) readLink(path string) ([]byte, error) {
	root, err := os.OpenRoot(t.root)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer root.Close()
	local := filepath.FromSlash(path)
	// This is checked before opening: a named pipe would wait for a writer.
	info, err := root.Stat(local)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: it links to something that is not a file", path)
	}
	var file *os.File
	if err == nil {
		file, err = root.Open(local)
	}
	if err != nil {
		if strings.Contains(err.Error(), "escapes") {
			target, _ := os.Readlink(t.diskPath(path)) // for the message only
			return nil, &OutsideError{Path: path, Target: target}
		}
		return nil, fmt.Errorf("read %s: %w", path, rootCause(err))
	}
	defer file.Close()
	return readOpenFile(wrapOpenFile(file), path)
}

// rootCause drops the operation and the absolute path that os puts into an error.
func rootCause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// readOpenFile reads an open file.
func readOpenFile(file opened, path string) ([]byte, error) {
	size, regular, err := file.size()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, rootCause(err))
	case !regular:
		return nil, fmt.Errorf("read %s: not a file", path)
	case size > MaxFileSize:
		return nil, &TooLargeError{Path: path, Size: size}
	}
	data := make([]byte, 0, size+1) // one more, so that the end is seen without growing
	for {
		n, err := file.read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", path, rootCause(err))
		case n == 0, size > 0 && int64(len(data)) == size && len(data) < cap(data):
			return data, nil
		case len(data) > MaxFileSize:
			return nil, &TooLargeError{Path: path, Size: int64(len(data))}
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

func (t *diskTree) ReadAll(paths []string) (map[string][]byte, error) {
	got, failed, _ := t.readEach(paths) // it has no error of its own
	return got, errors.Join(failed...)
}

func (t *diskTree) readEach(paths []string) (got map[string][]byte, failed []error, err error) {
	data := make([][]byte, len(paths))
	failed = make([]error, len(paths))
	var next atomic.Int64
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 8, len(paths)) {
		readers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(paths); i = int(next.Add(1)) - 1 {
				data[i], failed[i] = t.Read(paths[i])
			}
		})
	}
	readers.Wait()
	got = make(map[string][]byte, len(paths))
	for i, p := range paths {
		if failed[i] == nil {
			got[p] = data[i]
		}
	}
	return got, failed, nil
}

func (t *diskTree) linkTarget(f File) (string, error) {
	if f.ID != "" {
		to, err := t.stored(f)
		return string(to), err
	}
	to, err := os.Readlink(t.diskPath(f.Path))
	return filepath.ToSlash(to), err
}

// CreateFile writes a new file of a working tree, with its directories. The repository's links do not lead out of it: such a path is an
// [*OutsideError]. An existing file is an error that matches [fs.ErrExist].
func CreateFile(root, path, text string) error { return writeFileInRoot(root, path, "", text) }

// ReplaceFile writes a file of a working tree atomically, as [CreateFile].
func ReplaceFile(root, path, text string) error { return writeFileInRoot(root, path, ".new", text) }

// writeFileInRoot writes a file. With an ending it writes a new file of that ending first, and renames it.
func writeFileInRoot(root, path, ending, text string) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer dir.Close()
	name := filepath.FromSlash(path)
	err = dir.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = createFile(dir, name+ending, text)
	}
	if err == nil && ending != "" {
		err = dir.Rename(name+ending, name)
	}
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "escapes"):
		return &OutsideError{Path: path, Target: firstLinkTarget(root, name)}
	case errors.Is(err, fs.ErrExist) && hasLinkTo(dir, filepath.Dir(name)):
		return &OutsideError{Path: path, Target: firstLinkTarget(root, name)}
	}
	return fmt.Errorf("write %s: %w", path, rootCause(err))
}

func createFile(dir *os.Root, name, text string) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = dir.Remove(name)
	}
	return err
}

// hasLinkTo reports whether a directory cannot be made because a link in its place leads out.
func hasLinkTo(dir *os.Root, name string) bool {
	_, err := dir.Stat(name)
	return err != nil && strings.Contains(err.Error(), "escapes")
}

// firstLinkTarget returns where the first link of a path leads, for a message.
func firstLinkTarget(root, name string) string {
	path := root
	for part := range strings.SplitSeq(name, string(filepath.Separator)) {
		path = filepath.Join(path, part)
		if to, err := os.Readlink(path); err == nil {
			return to
		}
	}
	return ""
}
