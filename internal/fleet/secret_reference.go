package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
)

// The limits of a secret that a file or a command returns: its bytes, and the time of the command.
const (
	maxSecret      = 64 << 10
	secretPatience = 30 * time.Second
)

// newInputError returns an input error.
func newInputError(format string, args ...any) error {
	return &config.InputError{Err: fmt.Errorf(format, args...)}
}

// isSecretReference reports whether a text names the place of a secret.
func isSecretReference(text string) bool {
	for _, prefix := range []string{"env:", "file:", "@", "cmd:"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// resolveSecret returns the secret that a reference names: env:NAME, file:PATH, @PATH, or cmd:COMMAND for the shell. Errors quote the
// reference and never the secret. programs allows commands.
func resolveSecret(ctx context.Context, text string, env func(string) string, programs bool) (string, error) {
	name, rest, _ := strings.Cut(text, ":")
	path, isFile := strings.CutPrefix(text, "@")
	if name == "file" {
		path, isFile = rest, true
	}
	var secret string
	switch {
	case name == "env":
		if secret = env(rest); strings.TrimSpace(secret) == "" {
			return "", newInputError("%s is not set in the environment", rest)
		}
	case isFile:
		var err error
		if secret, err = readSmallFile(path); err != nil {
			return "", newInputError("read a target's address: %w", err)
		}
	case name == "cmd" && !programs:
		return "", newInputError("a reference cmd:… is only allowed in a file of targets: a database must not start programs here")
	case name == "cmd":
		var err error
		if secret, err = runSecretCommand(ctx, rest); err != nil {
			return "", err
		}
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return "", newInputError("%s is empty", text)
	}
	return secret, nil
}

// readSmallFile reads a file that must not be longer than a secret or a query is.
func readSmallFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = fmt.Errorf("%s is too large", path)
	}
	return string(data), err
}

// runSecretCommand runs a command of the file of targets. Its standard error is not printed, because it may quote the secret.
func runSecretCommand(ctx context.Context, line string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, secretPatience)
	defer stop()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout = &limitedWriter{to: &out, left: maxSecret}
	if err := cmd.Run(); err != nil {
		return "", newInputError("the command cmd:%s failed: %w", line, err)
	}
	return out.String(), nil
}

// limitedWriter refuses more than some bytes.
type limitedWriter struct {
	to   io.Writer
	left int
}

// Write refuses output that is too long.
func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("its output is too long to be a secret")
	}
	return l.to.Write(p)
}
