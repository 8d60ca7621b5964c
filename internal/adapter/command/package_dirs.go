package command

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// question is a command of an installed program that prints the directories of its packages, one on each line: "ruby -e 'puts Gem.path'".
type question struct {
	program string
	args    []string
	// list returns more directories from one that the program names; nil for none.
	list func(dir string) []string
}

// questions load no file of a project and no package: -S keeps Python from the code of .pth files.
var questions = []question{
	{"python3", []string{"-I", "-S", "-c", "import sys, site; print(*sys.path, *site.getsitepackages(), site.getusersitepackages(), sep='\\n')"}, readPathFiles},
	{"ruby", []string{"-e", "puts Gem.path"}, nil},
	{"go", []string{"env", "GOMODCACHE", "GOROOT"}, nil},
}

// askTime bounds an answer.
const askTime = 5 * time.Second

// askPackageDirs returns the directories of packages that the user's installed programs, and their settings, name. Directories of a repository are left
// out. No program of the repository is asked.
func askPackageDirs(repository string) []string {
	path := filepath.SplitList(os.Getenv("PATH"))
	path = slices.DeleteFunc(path, func(dir string) bool { return !filepath.IsAbs(dir) || isInRepository(dir, repository) })
	env := []string{"PATH=" + strings.Join(path, string(filepath.ListSeparator)), "GOTOOLCHAIN=local"}
	for _, name := range []string{"HOME", "LANG", "PYENV_ROOT", "PYENV_VERSION", "RBENV_ROOT", "ASDF_DIR", "ASDF_DATA_DIR", "GOPATH", "GOMODCACHE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	answers := make([][]string, len(questions))
	var all sync.WaitGroup
	for i, q := range questions {
		all.Go(func() { answers[i] = q.askProgram(path, env) })
	}
	all.Wait()
	var out []string
	c := readPackageSettings()
	for _, dir := range append(slices.Concat(answers...), c.listPackageDirs()...) {
		if filepath.IsAbs(dir) && isDir(dir) && !isInRepository(dir, repository) {
			out = append(out, dir)
		}
	}
	return out
}

// askProgram returns the answer's lines; nil if there is no such program.
func (q *question) askProgram(path, env []string) (out []string) {
	for _, dir := range path {
		program := filepath.Join(dir, q.program)
		if info, err := os.Stat(program); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, q.args...)
		cmd.Dir, cmd.Env, cmd.WaitDelay = "/", env, time.Second
		text, err := cmd.Output()
		if err != nil {
			return nil
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if out = append(out, line); q.list != nil && filepath.IsAbs(line) {
				out = append(out, q.list(line)...)
			}
		}
		return out
	}
	return nil
}

// isInRepository reports whether a directory is in a repository, by its name or after links.
func isInRepository(dir, repository string) bool {
	if repository == "" {
		return false
	}
	names := []string{dir}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		names = append(names, real)
	}
	roots := []string{repository}
	if real, err := filepath.EvalSymlinks(repository); err == nil {
		roots = append(roots, real)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(roots, func(root string) bool {
			rel, err := filepath.Rel(root, name)
			return err == nil && filepath.IsLocal(rel)
		})
	})
}

// asked has the answers, by the repository.
var asked sync.Map

// cachedPackageDirs is [askPackageDirs], once for each repository.
func cachedPackageDirs(repository string) []string {
	answer, _ := asked.LoadOrStore(repository, sync.OnceValue(func() []string { return askPackageDirs(repository) }))
	return answer.(func() []string)()
}

// addModuleCache adds the place of Go's modules to an environment, if the user has set it in Go's own settings.
func addModuleCache(env []string, repository string) []string {
	if os.Getenv("GOMODCACHE") != "" {
		return env
	}
	home, _ := os.UserHomeDir()
	for _, dir := range cachedPackageDirs(repository) {
		if isDir(filepath.Join(dir, "cache", "download")) && dir != filepath.Join(home, "go", "pkg", "mod") {
			return append([]string{"GOMODCACHE=" + dir}, env...)
		}
	}
	return env
}
