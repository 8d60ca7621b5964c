package guard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/onward-sql/onward/config"
)

// grace is how long a command has to end when it is told to.
const grace = 10 * time.Second

// command runs the command once, and gives its exit code. told: a signal was passed on.
func (g *guard) command(ctx context.Context, args, env []string) (code int, told bool, err error) {
	if g.c.Signals != nil { // it is told by them, and takes its time
		ctx = context.WithoutCancel(ctx)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = g.c.Dir, env, g.c.In, g.c.Out, g.c.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	if err := cmd.Start(); err != nil {
		return 0, false, &config.InputError{Err: fmt.Errorf("run %s: %w", args[0], unwrapped(err))}
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-g.c.Signals:
			told = true
			_ = cmd.Process.Signal(s) // it may have ended
		case err := <-done:
			if err != nil {
				g.c.Logger.Info("the command has ended", "error", err)
			}
			return status(cmd), told, nil
		}
	}
}

// unwrapped leaves the arguments out of an error: there may be an address among them.
func unwrapped(err error) error {
	path := new(exec.Error)
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// status is an exit code as shells have it.
func status(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return 1
	}
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
