// Package command runs the programs of a project that print the SQL of its migrations: with few variables
// of the user's environment, for a limited time, and without processes that stay.
package command

import (
	"os"
	"runtime"
	"slices"
	"strings"
)

// PassVariable is the variable with which the user lists further variables that the project may see, separated by
// blanks or commas. A branch cannot set it: onward.yaml has no such list.
const PassVariable = "ONWARD_PASS_ENV"

// passedNames are the variables of the user's environment that every project sees: those that an interpreter and its
// libraries need to start. None of them holds a secret.
var passedNames = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE",
	"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYENV_VERSION", "PYTHONPATH", "PYTHONHOME",
	"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "GDAL_LIBRARY_PATH", "GEOS_LIBRARY_PATH",
	"DJANGO_SETTINGS_MODULE", "DJANGO_CONFIGURATION",
	"GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE", "BUNDLE_PATH", "RBENV_ROOT", "NODE_PATH", "NVM_DIR", "JAVA_HOME", "MIX_HOME",
	"HEX_HOME", "ASDF_DIR", "ASDF_DATA_DIR", "DOTNET_ROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "CARGO_HOME", "RUSTUP_HOME",
	// Windows starts no program without these.
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
}

// Environment returns the variables of the user's environment that every project sees, and those that the user
// passes on.
func Environment() []string {
	names := slices.Concat(passedNames, listPassedVariables())
	var env []string
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); isPassedVariable(name, names) {
			env = append(env, entry)
		}
	}
	return env
}

// listPassedVariables returns the names of variables that the user passes on.
func listPassedVariables() []string {
	return strings.FieldsFunc(os.Getenv(PassVariable), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// isPassedVariable reports whether a variable has one of these names, or sets the locale.
func isPassedVariable(name string, names []string) bool {
	if runtime.GOOS == "windows" { // names ignore case there
		name = strings.ToUpper(name)
	}
	return slices.Contains(names, name) || strings.HasPrefix(name, "LC_")
}
