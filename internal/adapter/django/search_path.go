package django

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// hashInterpreter hashes Python's version and search path, the names of the installed packages, including versions, and of the
// modules next to them.
func hashInterpreter(ctx context.Context, h io.Writer, dir, python string, env []string) error {
	out, err := readSearchPath(ctx, dir, python, env)
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "%s\n%s\n", python, out)
	for _, dir := range strings.Split(out, "\n")[1:] {
		entries, err := os.ReadDir(strings.TrimSpace(dir))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if name := e.Name(); name != "__pycache__" {
				fmt.Fprintln(h, name)
			}
		}
	}
	return nil
}

// readSearchPath returns Python's version and search path. It asks Python, without the project, or answers from a file in dir if the
// program, its environment and the files that make the search path are as they were.
func readSearchPath(ctx context.Context, dir, python string, env []string) (string, error) {
	key, isKnown := identifyInterpreter(python, env)
	store, key := cache{dir}, "python-"+key
	if data, ok := store.readAnswer(key); ok && isKnown {
		if seen, out, ok := bytes.Cut(data, []byte("\n")); ok && string(seen) == describePathFiles(string(out)) {
			return string(out), nil
		}
	}
	cmd := exec.CommandContext(ctx, python, "-c", "import sys; print(sys.version); print(*sys.path[1:], sep='\\n')")
	cmd.Env, cmd.WaitDelay = env, time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", err
	}
	if isKnown {
		store.storeAnswer(key, []byte(describePathFiles(string(out))+"\n"+string(out)))
	}
	return string(out), nil
}

// identifyInterpreter returns a hash of an interpreter and its environment; false for a script that chooses one, as pyenv's.
func identifyInterpreter(python string, env []string) (string, bool) {
	target, err := filepath.EvalSymlinks(python)
	if err != nil {
		return "", false
	}
	file, err := os.Open(target)
	if err != nil {
		return "", false
	}
	defer file.Close()
	info, err := file.Stat()
	first := make([]byte, 2)
	if _, rerr := io.ReadFull(file, first); err != nil || rerr != nil || string(first) == "#!" {
		return "", false
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %d %d\n", python, target, info.Size(), info.ModTime().UnixNano())
	for _, dir := range []string{filepath.Dir(python), filepath.Dir(filepath.Dir(python))} {
		data, _ := os.ReadFile(filepath.Join(dir, "pyvenv.cfg")) // most have none
		fmt.Fprintf(h, "%d %s\n", len(data), data)
	}
	hashEnvironment(h, env)
	return hex.EncodeToString(h.Sum(nil)), true
}

// describePathFiles identifies the files that may add directories to a search path.
func describePathFiles(searchPath string) string {
	h := sha256.New()
	for _, dir := range strings.Split(searchPath, "\n")[1:] {
		dir = strings.TrimSpace(dir)
		files, _ := filepath.Glob(filepath.Join(dir, "*.pth"))
		for _, name := range append(files, filepath.Join(dir, "sitecustomize.py"), filepath.Join(dir, "usercustomize.py")) {
			if info, err := os.Stat(name); err == nil {
				fmt.Fprintf(h, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
