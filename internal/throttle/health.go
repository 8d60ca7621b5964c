package throttle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// healthPatience limits the duration of the user's health check.
const healthPatience = 5 * time.Second

// CheckHealth requests the URL, or runs the command, in Limits.Health, unless that happened recently. It
// fails closed: no answer counts as bad. Its output is never shown.
func (g *Gauge) CheckHealth(ctx context.Context) Verdict {
	target := g.limits.Health
	if target == "" {
		return Verdict{}
	}
	if time.Since(g.healthChecked) >= Every {
		ctx, cancel := context.WithTimeout(ctx, healthPatience)
		defer cancel()
		if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
			g.healthProblem = checkURL(ctx, target)
		} else {
			g.healthProblem = checkCommand(ctx, target)
		}
		g.healthChecked = time.Now()
	}
	if g.healthProblem == "" {
		return Verdict{}
	}
	return Verdict{Level: Stop, Why: "--health " + g.healthProblem}
}

// checkURL returns what is wrong with a URL's answer; "" for nothing. The URL itself may contain a secret.
func checkURL(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "is no URL"
	}
	answer, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("gave no answer for %s", healthPatience)
	case err != nil:
		return "cannot be reached"
	}
	_ = answer.Body.Close() // not read
	if answer.StatusCode/100 != 2 {
		return "answers " + answer.Status
	}
	return ""
}

// checkCommand returns what is wrong with a command's exit; "" for nothing.
func checkCommand(ctx context.Context, text string) string {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	ended := new(exec.ExitError)
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return fmt.Sprintf("did not end within %s", healthPatience)
	case errors.As(err, &ended):
		return fmt.Sprintf("ended with exit code %d", ended.ExitCode())
	}
	return "cannot be run"
}
