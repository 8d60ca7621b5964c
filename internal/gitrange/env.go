package gitrange

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// droppedVars never reach git: they would change what it prints or run a program.
var droppedVars = map[string]bool{
	"GIT_DIFF_OPTS": true, "GIT_EXTERNAL_DIFF": true, "GIT_PREFIX": true, "GIT_PAGER": true,
	"GIT_LITERAL_PATHSPECS": true, "GIT_GLOB_PATHSPECS": true, "GIT_NOGLOB_PATHSPECS": true, "GIT_ICASE_PATHSPECS": true,
}

// repositoryVars name one repository. The list is git rev-parse --local-env-vars
// without the variables that carry configuration.
var repositoryVars = map[string]bool{
	"GIT_ALTERNATE_OBJECT_DIRECTORIES": true, "GIT_COMMON_DIR": true, "GIT_DIR": true,
	"GIT_IMPLICIT_WORK_TREE": true, "GIT_INDEX_FILE": true, "GIT_INTERNAL_SUPER_PREFIX": true,
	"GIT_OBJECT_DIRECTORY": true, "GIT_QUARANTINE_PATH": true,
	"GIT_REPLACE_REF_BASE": true, "GIT_SHALLOW_FILE": true, "GIT_WORK_TREE": true,
}

// fixedVars are set for every git command. GIT_NO_LAZY_FETCH keeps a partial
// clone from asking its server. GIT_ALLOW_PROTOCOL does so on versions of git
// that do not know it: no transport is allowed at all.
var fixedVars = []string{
	"LC_ALL=C", "LANGUAGE=", "GIT_OPTIONAL_LOCKS=0",
	"GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none",
	// Commits are read as they are: no replacement objects (git replace) and no grafts.
	"GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE=" + os.DevNull,
}

// splitEnvironment splits environ into what every git command gets and the
// variables that name one repository.
func splitEnvironment(environ []string) (clean []string, repository map[string]string) {
	repository = map[string]string{}
	set := map[string]bool{}
	for _, kv := range fixedVars {
		name, _, _ := strings.Cut(kv, "=")
		set[name] = true
	}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case droppedVars[name] || set[name]:
		case repositoryVars[name]:
			repository[name] = value
		default:
			clean = append(clean, kv)
		}
	}
	return append(clean, fixedVars...), repository
}

// chooseEnv decides which of the repository variables git gets for dir. A hook
// that runs onward passes on variables that say which repository git is working
// on, and a user may set them too. Git gets them if they mean the repository
// that dir is in, and none if they mean another one: a hook that opens a second
// repository must not read the first. cwd is this process's directory, against
// which git would read relative paths.
func chooseEnv(ctx context.Context, dir, cwd string, clean []string, vars map[string]string) []string {
	if len(vars) == 0 {
		return clean
	}
	abs := map[string]string{}
	for name, value := range vars {
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR":
			if value != "" && !filepath.IsAbs(value) {
				value = filepath.Join(cwd, value)
			}
		}
		abs[name] = value
	}
	gitDir, workTree := abs["GIT_DIR"], abs["GIT_WORK_TREE"]
	if gitDir != "" && workTree != "" && isInside(workTree, dir) { // the variables say that dir is in their repository
		return addVariables(clean, abs)
	}
	gitInDir := &program{dir: dir, env: clean}
	out, err := gitInDir.runForOutput(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		if gitDir == "" {
			return clean
		}
		return addVariables(clean, abs) // git finds nothing by itself: what the caller named is all there is
	}
	ownGitDir := strings.TrimSuffix(string(out), "\n")
	switch {
	case gitDir != "" && !isSameDir(gitDir, ownGitDir):
		return clean
	case gitDir == "":
		// Hooks of the main working tree get GIT_INDEX_FILE without GIT_DIR,
		// and run at its top.
		gitInCwd := &program{dir: cwd, env: clean}
		out, err := gitInCwd.runForOutput(ctx, "rev-parse", "--absolute-git-dir")
		if err != nil || !isSameDir(strings.TrimSuffix(string(out), "\n"), ownGitDir) {
			return clean
		}
	}
	// The same repository. Without GIT_DIR git finds the top of the working
	// tree itself; with it, git would take dir for the top.
	delete(abs, "GIT_DIR")
	delete(abs, "GIT_WORK_TREE")
	delete(abs, "GIT_IMPLICIT_WORK_TREE")
	return addVariables(clean, abs)
}

func addVariables(env []string, vars map[string]string) []string {
	env = env[:len(env):len(env)]
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	return env
}

// isInside says whether dir is root or below it, links resolved.
func isInside(root, dir string) bool {
	return isBelow(resolveLinks(root), resolveLinks(dir))
}

// resolveLinks resolves symbolic links, if possible.
func resolveLinks(path string) string {
	if r, err := filepath.EvalSymlinks(path); err == nil {
		return r
	}
	return filepath.Clean(path)
}

func isSameDir(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
