package cli

import (
	"context"
	"time"
)

// watched is the value that --watch prints, and when it was read.
type watched[T any] struct {
	value T
	at    time.Time
	// problem says why later reads failed; "" if none did. reload is the time until it is printed again; 0 for never.
	problem string
	reload  time.Duration
}

// watchUntilFinished reads and writes a value at each interval, until it is finished or the user interrupts it. It returns the value that
// it wrote last. A failed read does not end it.
func watchUntilFinished[T any](ctx context.Context, a *app, interval time.Duration, first T, read func(context.Context) (T, error), isFinished func(T) bool,
	write func(watched[T]) error) (T, error) {
	w := watched[T]{value: first, at: time.Now()}
	for {
		ended := ctx.Err() != nil || w.problem == "" && isFinished(w.value)
		w.reload = interval
		if ended {
			w.reload = 0
		}
		if err := write(w); err != nil || ended {
			return w.value, err
		}
		select {
		case <-ctx.Done():
			continue
		case <-time.After(interval):
		}
		fresh, err := read(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.problem = err.Error()
			a.printNote("%v", err)
		default:
			w = watched[T]{value: fresh, at: time.Now()}
		}
	}
}
