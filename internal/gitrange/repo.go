package gitrange

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Repo is an open git repository with a working tree. Its methods may be
// called from several goroutines. Close it to end its git process and to
// remove its temporary checkouts.
type Repo struct {
	git     *program
	root    string
	prefix  string
	remotes []string          // the most likely one first
	hosts   map[string]string // by remote; those with a host
	partial bool              // a blobless or treeless clone
	batch   *batch
	edits   Edits

	mu      sync.Mutex
	commits map[string]*commitTree // by commit id
	temp    []func() error         // functions that remove checkouts
	closed  bool
}

// Open finds the repository that dir is in; dir may be a sub-directory, a
// linked worktree or a submodule. The repository can be used until ctx ends or
// Close is called.
//
// Errors: [*NotRepositoryError], [*BareRepositoryError], [*OwnershipError], and
// one that says so when there is no git program.
func Open(ctx context.Context, dir string) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open repository: %s is not a directory", dir)
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, fmt.Errorf("the git program was not found in PATH; install git: %w", err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	clean, vars := splitEnvironment(os.Environ())
	git := &program{dir: dir, env: chooseEnv(ctx, dir, cwd, clean, vars)}

	root, err := findRoot(ctx, git, dir)
	if err != nil {
		return nil, err
	}
	prefix, err := filepath.Rel(resolveLinks(root), resolveLinks(dir))
	if err != nil || !filepath.IsLocal(prefix) {
		return nil, fmt.Errorf("open repository: git takes %s for the working tree, and %s is not in it (core.worktree, GIT_WORK_TREE)", root, dir)
	}
	if prefix == "." {
		prefix = ""
	}
	git.dir = root
	r := &Repo{git: git, root: root, prefix: filepath.ToSlash(prefix), commits: map[string]*commitTree{}, hosts: map[string]string{}}
	if err := r.readConfig(ctx); err != nil {
		return nil, err
	}
	r.batch = &batch{git: git, ctx: ctx, held: map[string][]byte{}}
	return r, nil
}

// findRoot returns the top of the working tree that dir is in.
func findRoot(ctx context.Context, git *program, dir string) (string, error) {
	out, err := git.runForOutput(ctx, "rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--show-toplevel")
	answers := strings.SplitN(string(out), "\n", 3)
	if err == nil && len(answers) == 3 && answers[1] == "true" {
		return filepath.FromSlash(strings.TrimSuffix(answers[2], "\n")), nil
	}
	if len(answers) >= 2 && answers[1] == "false" {
		return "", &BareRepositoryError{Dir: dir}
	}
	if ge, ok := errors.AsType[*GitError](err); ok {
		switch {
		case strings.Contains(ge.Stderr, "dubious ownership"), strings.Contains(ge.Stderr, "unsafe repository"):
			return "", &OwnershipError{Dir: dir}
		case strings.Contains(ge.Stderr, "not a git repository"):
			return "", &NotRepositoryError{Dir: dir}
		}
	}
	if err == nil {
		err = fmt.Errorf("git rev-parse answered %.80q", out)
	}
	return "", fmt.Errorf("open repository %s: %w", dir, err)
}

// readConfig learns the remotes and whether this is a partial clone, and
// switches off the filters that the repository itself configures: git diff
// would run them. Filters of the user's own configuration (Git LFS) stay.
func (r *Repo) readConfig(ctx context.Context) error {
	out, err := r.git.runForOutput(ctx, "config", "--list", "-z", "--show-scope")
	if err != nil {
		return fmt.Errorf("read the configuration of %s (git 2.26 or newer is needed): %w", r.root, err)
	}
	settings, err := parseConfig(out)
	if err != nil {
		return fmt.Errorf("read the configuration of %s: %w", r.root, err)
	}
	filters := map[string]bool{}
	for _, s := range settings {
		section, rest, _ := strings.Cut(s.key, ".")
		dot := strings.LastIndexByte(rest, '.')
		name, variable := "", rest
		if dot >= 0 {
			name, variable = rest[:dot], rest[dot+1:]
		}
		switch {
		case section == "remote" && name != "":
			if !slices.Contains(r.remotes, name) {
				r.remotes = append(r.remotes, name)
			}
			r.partial = r.partial || variable == "promisor" && s.value != "false"
			if variable == "url" && r.hosts[name] == "" {
				r.hosts[name] = hostOf(s.value)
			}
		case s.key == "extensions.partialclone":
			r.partial = true
		case section == "filter" && (s.scope == "local" || s.scope == "worktree"):
			if strings.Contains(name, "=") {
				return fmt.Errorf("the repository configures a filter named %q, which cannot be switched off; remove it from .git/config", name)
			}
			filters[name] = true
		}
	}
	for name := range filters {
		section := "filter."
		if name != "" {
			section += name + "."
		}
		r.git.extra = append(r.git.extra, "-c", section+"clean=", "-c", section+"smudge=", "-c", section+"process=", "-c", section+"required=false")
	}
	if i := slices.Index(r.remotes, "origin"); i > 0 {
		r.remotes[0], r.remotes[i] = r.remotes[i], r.remotes[0]
	}
	return nil
}

// Root returns the absolute path of the top of the working tree.
func (r *Repo) Root() string { return r.root }

// Prefix returns the directory given to Open relative to Root, with slashes;
// empty at the top.
func (r *Repo) Prefix() string { return r.prefix }

// Close ends the git process and removes the temporary checkouts. It may be
// called twice.
func (r *Repo) Close() error {
	r.mu.Lock()
	temp := r.temp
	r.temp, r.closed = nil, true
	r.mu.Unlock()
	r.batch.closeBatch()
	var errs []error
	for _, remove := range temp {
		if err := remove(); err != nil {
			errs = append(errs, fmt.Errorf("remove temporary checkout: %w", err))
		}
	}
	return errors.Join(errs...)
}

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
