package django

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// wantedIn are the files in which a project says which Python it requires, the most important first. find returns a version
// such as "3.12", or conditions such as ">=3.10,<4".
var wantedIn = []struct {
	file string
	find func(text string) string
}{
	{".python-version", newGroupFinder(`(?m)^\s*(?:cpython-|python-)?(3\.\d+)`)},
	{"runtime.txt", newGroupFinder(`(?m)^\s*python-(3\.\d+)`)},
	{".tool-versions", newGroupFinder(`(?m)^python\s+(3\.\d+)`)},
	{"Pipfile", configfile.PipenvPython},
	{"pyproject.toml", configfile.RequiredPython},
	{"setup.cfg", newGroupFinder(`(?m)^python_requires\s*=\s*(.+)$`)},
	{"setup.py", newGroupFinder(`python_requires\s*=\s*["']([^"']+)["']`)},
}

// newGroupFinder returns a function that finds the first group of a pattern.
func newGroupFinder(pattern string) func(string) string {
	compiled := lazyregexp.New(pattern)
	return func(text string) string {
		if m := compiled.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
}

// describeOtherPython says that the project requires another Python.
func (e *Error) describeOtherPython() string {
	if e.Wanted == "" {
		return ""
	}
	return "; the project wants Python " + e.Wanted + ", and this is " + e.Version
}

// addWantedVersion adds to an error which other Python the project requires.
func addWantedVersion(err error, cfg Config) error {
	if failed, ok := errors.AsType[*Error](err); ok && failed.Version != "" {
		failed.Wanted = wantedPython(cfg, failed.Version)
	}
	return err
}

// wantedPython returns which Python the files of a project require, and which file says so: "3.12 (.python-version)";
// "" if that is the version, or if no file says it.
func wantedPython(cfg Config, version string) string {
	for _, dir := range virtualenvDirs(cfg) {
		for _, w := range wantedIn {
			text, err := os.ReadFile(filepath.Join(dir, w.file))
			if err != nil {
				continue
			}
			wanted := strings.TrimSpace(w.find(string(text)))
			if wanted == "" {
				continue
			}
			if !meetsVersion(version, wanted) {
				return wanted + " (" + w.file + ")"
			}
			return ""
		}
	}
	return ""
}

var condition = lazyregexp.New(`(===|==|~=|!=|>=|<=|>|<|\^|~|)\s*3\.(\d+)(\.\d+)?`)

// meetsVersion reports whether a version, "3.11", fits the conditions; a plain number must be equal. A condition that is not
// understood counts as met.
func meetsVersion(version, wanted string) bool {
	minor, err := strconv.Atoi(strings.TrimPrefix(version, "3."))
	if err != nil {
		return true
	}
	if strings.Contains(wanted, "|") {
		return true
	}
	for _, m := range condition.FindAllStringSubmatch(wanted, -1) {
		n, _ := strconv.Atoi(m[2])
		ok := true
		switch m[1] {
		case "", "==", "===", "~":
			ok = minor == n
		case "~=": // ~=3.8 allows 3.9, ~=3.8.1 does not
			ok = minor == n || m[3] == "" && minor > n
		case ">=", "^":
			ok = minor >= n
		case ">":
			ok = minor > n || minor == n && m[3] != ""
		case "<=":
			ok = minor <= n
		case "<":
			ok = minor < n || minor == n && m[3] != "" && m[3] != ".0"
		}
		if !ok {
			return false
		}
	}
	return true
}
