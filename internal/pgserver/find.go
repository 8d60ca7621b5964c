package pgserver

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Install is one set of Postgres server binaries on this machine.
type Install struct {
	Major   int    // 17
	Version string // "17.5", or "18beta1" before a release
	Bin     string // directory that holds initdb and postgres
	Source  string // where it was found: "PATH", "Debian", "cache", …
}

// place is a pattern of directories in which installations live.
type place struct{ source, glob string }

// places lists where the usual ways to install Postgres put its server binaries. A leading ~ is the home directory.
var places = []place{
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

// find lists the installed servers that this process can use, newest major first, one for each directory. Binaries
// that were downloaded earlier are among them, after the installations of the same major. It also tells where it looked and which installations cannot be used, for the message of a MissingError.
func find() (installs []Install, looked, unfit []string) {
	seen := map[string]bool{}
	add := func(source, dir string) {
		bin, ok := binaries(dir)
		if !ok || seen[bin] {
			return
		}
		seen[bin] = true
		install, err := inspect(source, bin)
		if err != nil {
			unfit = append(unfit, err.Error())
			return
		}
		installs = append(installs, install)
	}

	looked = append(looked, "PATH")
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		add("PATH", dir)
	}
	home, _ := os.UserHomeDir()
	all := places
	if root, err := cacheRoot(); err == nil {
		all = append(slices.Clone(places), place{"cache", filepath.Join(root, "postgres", "*", "bin")})
	}
	for _, p := range all {
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
	slices.SortStableFunc(installs, func(a, b Install) int { return cmp.Compare(b.Major, a.Major) })
	return installs, looked, unfit
}

// binaries resolves links, so that /usr/local/bin/postgres leads to the directory where the whole installation is.
// It reports false when initdb or postgres is not there.
func binaries(dir string) (string, bool) {
	if !filepath.IsAbs(dir) { // a relative PATH entry means whatever the working directory says
		return "", false
	}
	candidates := []string{dir}
	if real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
		candidates = []string{filepath.Dir(real), dir}
	}
	for _, candidate := range candidates {
		if executable(filepath.Join(candidate, "initdb")) && executable(filepath.Join(candidate, "postgres")) {
			return candidate, true
		}
	}
	return "", false
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// inspect asks a server binary for its version and checks that the server's account can get at it.
func inspect(source, bin string) (Install, error) {
	program := filepath.Join(bin, "postgres")
	acct, err := serverAccount()
	if err != nil {
		return Install{}, err
	}
	if err := acct.reach(bin); err != nil {
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
