package pgserver

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Install is one set of Postgres server binaries on this machine.
type Install struct {
	Major   int    // 17
	Version string // "17.5", or "18beta1" before a release
	Bin     string // directory with initdb and postgres
	Source  string // where it was found: "PATH", "Debian", "cache", …
}

// searchPlace is a pattern of directories with installations.
type searchPlace struct{ source, glob string }

// searchPlaces lists where common ways to install Postgres put its server binaries. A leading ~ is the home directory.
var searchPlaces = []searchPlace{
	{"Debian", "/usr/lib/postgresql/*/bin"},
	{"PGDG RPM", "/usr/pgsql-*/bin"},
	{"Homebrew", "/opt/homebrew/opt/postgresql@*/bin"},
	{"Homebrew", "/usr/local/opt/postgresql@*/bin"},
	{"Homebrew", "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin"},
	{"Alpine", "/usr/libexec/postgresql*"},
	{"Postgres.app", "/Applications/Postgres.app/Contents/Versions/*/bin"},
	{"asdf", "~/.asdf/installs/postgres/*/bin"},
	{"mise", "~/.local/share/mise/installs/postgres/*/bin"},
}

// findInstalls lists the usable installed servers, newest major first, one for each directory. Downloaded binaries come after the installations of
// the same major. looked and unfit list the searched places and the unusable installations, for a MissingError.
func findInstalls() (installs []Install, looked, unfit []string) {
	type candidate struct {
		source, bin string
		install     Install
		err         error
	}
	var candidates []*candidate
	seen := map[string]bool{}
	add := func(source, dir string) {
		if bin, ok := findBinaries(dir); ok && !seen[bin] {
			seen[bin] = true
			candidates = append(candidates, &candidate{source: source, bin: bin})
		}
	}

	looked = append(looked, "PATH")
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		add("PATH", dir)
	}
	home, _ := os.UserHomeDir()
	places := searchPlaces
	if root, err := CacheDir(); err == nil {
		places = append(slices.Clone(searchPlaces), searchPlace{"cache", filepath.Join(root, "postgres", "*", "bin")})
	}
	for _, p := range places {
		glob := p.glob
		if rest, ok := strings.CutPrefix(glob, "~"); ok {
			if home == "" {
				continue
			}
			glob = home + rest
		}
		looked = append(looked, glob)
		dirs, _ := filepath.Glob(glob) // the only error is a malformed pattern
		for _, dir := range dirs {
			add(p.source, dir)
		}
	}
	var all sync.WaitGroup
	for _, c := range candidates {
		all.Go(func() { c.install, c.err = inspectInstall(c.source, c.bin) })
	}
	all.Wait()
	for _, c := range candidates {
		if c.err != nil {
			unfit = append(unfit, c.err.Error())
			continue
		}
		installs = append(installs, c.install)
	}
	slices.SortStableFunc(installs, func(a, b Install) int { return cmp.Compare(b.Major, a.Major) })
	return installs, looked, unfit
}

// findBinaries resolves links, so that /usr/local/bin/postgres leads to the directory of the whole installation. It returns false if initdb or
// postgres is missing.
func findBinaries(dir string) (string, bool) {
	if !filepath.IsAbs(dir) { // a relative PATH entry depends on the working directory
		return "", false
	}
	candidates := []string{dir}
	if real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
		candidates = []string{filepath.Dir(real), dir}
	}
	for _, candidate := range candidates {
		if isExecutable(filepath.Join(candidate, "initdb")) && isExecutable(filepath.Join(candidate, "postgres")) {
			return candidate, true
		}
	}
	return "", false
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

var versionLine = lazyregexp.New(`\(PostgreSQL\) ((\d+)\S*)`)

// inspectInstall gets the version of a server binary and checks that the server's account can access it.
func inspectInstall(source, bin string) (Install, error) {
	program := filepath.Join(bin, "postgres")
	acct, err := serverAccount()
	if err != nil {
		return Install{}, err
	}
	if err := acct.checkAccess(bin); err != nil {
		return Install{}, err
	}
	out, err := exec.CommandContext(context.Background(), program, "--version").Output()
	if err != nil {
		return Install{}, fmt.Errorf("%s --version: %w", program, err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return Install{}, fmt.Errorf("%s --version: not understood: %q", program, strings.TrimSpace(string(out)))
	}
	major, err := strconv.Atoi(string(m[2]))
	if err != nil {
		return Install{}, fmt.Errorf("%s --version: %w", program, err)
	}
	return Install{Major: major, Version: string(m[1]), Bin: bin, Source: source}, nil
}

// Program finds one of Postgres' own programs, such as pg_dump, of a major version or a
// newer one: next to the installed servers, the oldest suitable first, or in PATH.
func Program(name string, atLeast int) (string, error) {
	installs, _, _ := findInstalls()
	slices.Reverse(installs)
	candidates := []string{}
	for _, i := range installs {
		candidates = append(candidates, filepath.Join(i.Bin, name))
	}
	for _, p := range searchPlaces { // client tools may be installed without a server
		if !strings.HasPrefix(p.glob, "~") {
			list, _ := filepath.Glob(filepath.Join(p.glob, name)) // the only error is a malformed pattern
			candidates = append(candidates, list...)
		}
	}
	if found, err := exec.LookPath(name); err == nil {
		candidates = append(candidates, found)
	}
	for _, program := range candidates {
		if !isExecutable(program) {
			continue
		}
		out, err := exec.Command(program, "--version").Output()
		if err != nil {
			continue
		}
		if m := versionLine.FindSubmatch(out); m != nil {
			var major int
			if _, err := fmt.Sscan(string(m[2]), &major); err == nil && major >= atLeast {
				return program, nil
			}
		}
	}
	return "", fmt.Errorf("there is no %s of Postgres %d or newer on this machine", name, atLeast)
}
