package django

import (
	"errors"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// PassVariable is the variable in which whoever runs onward lists further variables that the
// project may see, separated by blanks or commas. A branch cannot set it: onward.yaml has no
// such list.
const PassVariable = "ONWARD_PASS_ENV"

// passedNames are the variables of the user's environment that every project sees: what
// an interpreter and its libraries need to start. None of them holds a secret.
var passedNames = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE",
	"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYENV_VERSION", "PYTHONPATH", "PYTHONHOME",
	"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "GDAL_LIBRARY_PATH", "GEOS_LIBRARY_PATH",
	"DJANGO_SETTINGS_MODULE", "DJANGO_CONFIGURATION",
	// Windows starts no program without these.
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
}

// environment is what Python sees: the variables that every project gets, those that the user
// passes on, and what the configuration sets. The run is repeatable: no byte code is
// left in the user's tree, sets have the same order each time, and the last words of a process are not lost.
func environment(cfg Config) []string {
	names := slices.Concat(passedNames, listPassed())
	var env []string
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); isPassed(name, names) {
			env = append(env, entry)
		}
	}
	env = append(env, "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "PYTHONUTF8=1", "PYTHONUNBUFFERED=1")
	return append(env, cfg.Env...)
}

// listPassed are the names that the user passes on.
func listPassed() []string {
	return strings.FieldsFunc(os.Getenv(PassVariable), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// isPassed reports whether a variable is one of these names, or says which language is spoken.
func isPassed(name string, names []string) bool {
	if runtime.GOOS == "windows" { // where case does not matter
		name = strings.ToUpper(name)
	}
	return slices.Contains(names, name) || strings.HasPrefix(name, "LC_")
}

var variableName = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]+`)

// withheldVariable is the first variable of the user that a message names and that the project does
// not see; "" if there is none.
func withheldVariable(message string, env []string) string {
	for _, name := range variableName.FindAllString(message, -1) {
		seen := slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
		if _, set := os.LookupEnv(name); set && !seen {
			return name
		}
	}
	return ""
}

// noteWithheld adds to an error of the settings which variable of the user the project does not see.
func noteWithheld(err error, cfg Config) error {
	if failed, ok := errors.AsType[*Error](err); ok && failed.Kind == "settings" {
		failed.Withheld = withheldVariable(failed.Message, environment(cfg))
	}
	return err
}
