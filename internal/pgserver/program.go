package pgserver

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

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
