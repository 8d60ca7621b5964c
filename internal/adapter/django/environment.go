package django

import (
	"errors"
	"os"
	"regexp"
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
	// Windows starts no program without these.
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
}

// pythonEnvironment returns what Python sees: the variables for every project, those that the user passes on, and those
// that the configuration sets. It makes runs repeatable: Python writes no byte code into the user's tree (bytecode.py
// keeps it elsewhere), sets have the same order each time, and the last output of a process is not lost.
func pythonEnvironment(cfg Config) []string {
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

// listPassed returns the names of variables that the user passes on.
func listPassed() []string {
	return strings.FieldsFunc(os.Getenv(PassVariable), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// isPassed reports whether a variable has one of these names, or sets the locale.
func isPassed(name string, names []string) bool {
	if runtime.GOOS == "windows" { // names ignore case there
		name = strings.ToUpper(name)
	}
	return slices.Contains(names, name) || strings.HasPrefix(name, "LC_")
}

var variableName = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]+`)

// withheldVariable returns the first variable of the user that a message mentions and that the project does not see;
// "" if there is none.
func withheldVariable(message string, env []string) string {
	for _, name := range variableName.FindAllString(message, -1) {
		seen := slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
		if _, set := os.LookupEnv(name); set && !seen {
			return name
		}
	}
	return ""
}

// explainError adds to an error how the user can fix it.
func explainError(err error, cfg Config) error { return noteVersion(noteWithheld(err, cfg), cfg) }

// noteWithheld adds to an error of the settings the user's variable that the project does not see.
func noteWithheld(err error, cfg Config) error {
	if failed, ok := errors.AsType[*Error](err); ok && failed.Kind == "settings" {
		failed.Withheld = withheldVariable(failed.Message, pythonEnvironment(cfg))
	}
	return err
}
