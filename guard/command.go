package guard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/sockets"
)

// command runs the command once, and gives its exit code. told: a signal was passed on.
func (g *guard) command(ctx context.Context, args, env []string, bypass *bypassMonitor) (code int, told bool, err error) {
	if g.c.Signals != nil { // it is told by them, and takes its time
		ctx = context.WithoutCancel(ctx)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = g.c.Dir, env, g.c.In, g.c.Out, g.c.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = g.c.Grace
	if err := cmd.Start(); err != nil {
		return 0, false, &config.InputError{Err: fmt.Errorf("run %s: %w", args[0], unwrapped(err))}
	}
	tree := sockets.NewTree(cmd.Process.Pid)
	bypass.watch(tree)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	found := bypass.found
	var kill <-chan time.Time
	for {
		select {
		case s := <-g.c.Signals:
			told = true
			_ = cmd.Process.Signal(s) // it may have ended
		case <-found:
			found = nil
			kill = time.After(g.c.Grace)
			tree.Signal(syscall.SIGTERM)
			end()
		case <-kill:
			tree.Signal(syscall.SIGKILL)
		case err := <-done:
			if err != nil {
				g.c.Logger.Info("the command has ended", "error", err)
			}
			if found == nil {
				endProcesses(tree, g.c.Grace)
			}
			return status(cmd), told, nil
		}
	}
}

// endProcesses waits for the rest of a command that went around the guard, and kills it after the grace period.
func endProcesses(tree *sockets.Tree, grace time.Duration) {
	kill := time.After(grace)
	const pollInterval = 20 * time.Millisecond
	for tree.Alive() {
		select {
		case <-kill:
			tree.Signal(syscall.SIGKILL)
			return
		case <-time.After(pollInterval):
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
