package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
)

// Word is what somebody at another terminal says to a backfill.
type Word string

// The words.
const (
	Pause  Word = "pause"
	Resume Word = "resume"
	Cancel Word = "cancel" // whoever is at work ends; the next one goes on
	Tune   Word = "tune"
)

// Tuning is how a backfill is to go from its next batch on. A zero value keeps what is set.
type Tuning struct {
	// Rows is how many rows a batch has at most, and Batch how long it is to take.
	Rows  int
	Batch time.Duration
	// Rest is which part of that time is rested behind a batch; below 0 for none.
	Rest float64
}

// Control says a word to the backfills of the plan with this ID, or of all plans that are not at their
// end for "": the ledger holds it, and it is read before each batch. What is said stays said until the next word.
// It gives the IDs of the plans. Errors: a *config.InputError where there is no such plan, or
// nobody to cancel.
func Control(ctx context.Context, db, id string, word Word, tune Tuning, who string) ([]string, error) {
	var said []string
	there, err := reading(ctx, db, func(conn *pgx.Conn) error {
		if err := ledger.Make(ctx, conn); err != nil { // an older one is brought up
			return err
		}
		list, err := open(ctx, conn)
		if err != nil {
			return err
		}
		if list, err = chosen(list, id); err != nil {
			return err
		}
		if word == Cancel {
			if err := busy(ctx, conn); err != nil {
				return err
			}
		}
		for _, p := range list {
			if err := say(ctx, conn, p.ID, word, tune, who); err != nil {
				return err
			}
			said = append(said, p.ID)
		}
		return nil
	})
	if err == nil && !there {
		_, err = chosen(nil, id)
	}
	return said, err
}

// busy refuses a cancel that nobody would hear.
func busy(ctx context.Context, conn *pgx.Conn) error {
	holder, err := ledger.Holder(ctx, conn)
	if err == nil && holder == "" {
		err = input("nobody is at work on this database: there is nothing to cancel")
	}
	return err
}

// say notes a word in the ledger, and in its log.
func say(ctx context.Context, conn *pgx.Conn, plan string, word Word, tune Tuning, who string) error {
	c, err := ledger.Wanted(ctx, conn, plan)
	if err != nil {
		return err
	}
	c.Who = who
	detail := ""
	switch word {
	case Pause:
		c.State = ledger.Paused
	case Resume:
		c.State = ""
	case Cancel:
		c.State = ledger.Cancelled
	case Tune:
		if tune.Rows > 0 {
			c.Rows = tune.Rows
		}
		if tune.Batch > 0 {
			c.Batch = tune.Batch
		}
		switch {
		case tune.Rest > 0:
			c.Rest = tune.Rest
		case tune.Rest < 0:
			c.Rest = 0
		}
		detail = fmt.Sprintf("%d rows, %s, rest %g (0, 0s and -1 are the defaults)", c.Rows, c.Batch, c.Rest)
	}
	if err := ledger.Want(ctx, conn, plan, c); err != nil {
		return err
	}
	return ledger.Log(ctx, conn, &ledger.Entry{Who: who, Plan: plan, Event: "backfill " + string(word), Detail: detail})
}
