package django

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// PassVariable is [command.PassVariable].
const PassVariable = command.PassVariable

// pythonEnvironment returns what Python sees: the variables for every project, those that the user passes on, and those
// that the configuration sets. It makes runs repeatable: Python writes no byte code into the user's tree (bytecode.py
// keeps it elsewhere), sets have the same order each time, and the last output of a process is not lost.
func pythonEnvironment(cfg Config) []string {
	env := append(command.Environment(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "PYTHONUTF8=1", "PYTHONUNBUFFERED=1")
	return append(env, cfg.Env...)
}

var variableName = lazyregexp.New(`[A-Za-z_][A-Za-z0-9_]+`)

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
func explainError(err error, cfg Config) error {
	return addWantedVersion(addWithheldVariable(err, cfg), cfg)
}

// addWithheldVariable adds to an error of the settings the user's variable that the project does not see.
func addWithheldVariable(err error, cfg Config) error {
	if failed, ok := errors.AsType[*Error](err); ok && failed.Kind == "settings" {
		failed.Withheld = withheldVariable(failed.Message, pythonEnvironment(cfg))
	}
	return err
}
