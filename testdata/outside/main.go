// This program is what a user of the library writes: it is built and run in a
// module of its own, which cannot name what is internal.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/preflight"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

func main() {
	audit.RunChild()
	repository, nowhere := os.Args[1], os.Args[2]
	ctx := context.Background()

	report, err := audit.Changelog(ctx, release(repository))
	must(err)
	fmt.Println("changelog:", findings(report))
	must(json.NewEncoder(io.Discard).Encode(report))

	report, err = audit.Check(ctx, audit.CheckConfig{
		Dir: repository, Paths: []string{"-"}, Stdin: strings.NewReader("DROP TABLE users;"), Applied: []string{"migrations"},
		Transaction: onward.TransactionNone, Framework: "", Deployed: audit.Deployed{}, Settings: settings(),
		Logger: slog.New(slog.DiscardHandler), Breathe: func(float64, func(func())) {}, Brief: true,
	})
	must(err)
	fmt.Println("check:", findings(report))

	locks, err := audit.Locks(ctx, audit.LocksConfig{SQL: "TRUNCATE users", Deployed: audit.Deployed{}, Settings: settings()})
	must(err)
	fmt.Println("locks:", locks[0].Variants[0].Effects[0].Lock)

	parsed, err := config.Decode([]byte("postgres: 13..15\nrules: {table-drop: warning}\n"), config.Name, audit.Names())
	must(err)
	fmt.Println("versions:", parsed.Versions())

	_, err = verify.Run(ctx, verify.Config{
		Config: rehearse.Config{Config: release(repository)}, From: "", Old: []*verify.Workload{}, New: nil, Also: []verify.Version{},
		Transcripts: map[onward.Code][]*verify.Transcript{},
		ShowValues:  true,
		MadeValues:  true,
	})
	fmt.Println("verify:", kind(err))

	planned, _, err := plan.Make(ctx, plan.Config{Config: rehearse.Config{Config: release(repository)}, Sketch: true, Only: nil, AcceptPublications: nil})
	must(err)
	fmt.Println("plan:", planned.Steps[0].Phase)

	nowhereToAsk := release(repository)
	nowhereToAsk.DB = "postgres://u@127.0.0.1:1/x"
	_, err = preflight.Run(ctx, preflight.Config{Config: nowhereToAsk, Alone: true, TLS: []string{"127.0.0.1:5432"}})
	fmt.Println("preflight:", kind(err))

	_, err = apply.Run(ctx, apply.Config{
		DB: nowhereToAsk.DB, Plan: planned, Name: "v2", Through: onward.Expand, To: "", Within: time.Second, MaxStall: 50 * time.Millisecond, Replicas: nil, Parallel: 2, AcceptPublications: nil, AcceptTriggers: nil, AsSuperuser: false, AcceptOldSnapshots: "", WaitForStandbys: false,
		Slice: &apply.Slice{Length: time.Minute}, Evidence: &apply.Evidence{GoneBecause: "nothing is deployed", Window: -1},
		Role: "", Throttle: apply.Limits{}, Gone: "", Unproven: "a sketch, for a database that is not there", UnknownVersion: true, Who: "a program", Tell: func(apply.Event) {},
	})
	fmt.Println("apply:", kind(err))

	_, err = guard.Run(ctx, guard.Config{
		DB: nowhereToAsk.DB, Command: []string{"true"}, Dir: nowhere, In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Env: []string{"PATH=" + os.Getenv("PATH")},
		AcceptUsers: nil, Within: time.Second, MaxStall: 50 * time.Millisecond, StatementTimeout: time.Minute, Again: true, Allow: []string{"127.0.0.2"}, Grace: time.Second,
		SearchPath: "", Release: "", OnSession: nil, Signals: nil, Tell: func(string) {}, Logger: nil,
	})
	fmt.Println("guard:", kind(err))

	fmt.Println("errors:", strings.Join(failures(ctx, repository, nowhere), " "))
}

func release(dir string) audit.Config {
	return audit.Config{
		Dir: dir, Base: "HEAD~1", Head: "HEAD", Deployed: audit.Deployed{Schema: "", DB: "", Stats: "", Workload: nil},
		Settings: settings(), TrustsBase: false, Still: true, Edits: nil, Now: time.Now(), Logger: slog.New(slog.DiscardHandler),
	}
}

func settings() *config.Config {
	return &config.Config{
		Path: "", Named: false, Postgres: []int{onward.OldestMajor, onward.NewestMajor}, Base: "",
		Migrations: []config.Migrations{{
			Dir: "migrations", Framework: "goose", Transaction: onward.TransactionFile, LockTimeout: 5000, StatementTimeout: 60000,
			Runner: nil,
			Python: "", Render: "", Capture: "", CaptureBase: "", CaptureDir: "", Sandbox: config.Sandbox{Require: false, Network: false, Read: nil, Write: nil},
			Settings: "", Environment: nil, Static: false, AcceptUnreadable: true, RenderTimeout: 0, Line: 0,
		}},
		Rules: map[string]onward.Severity{"table-drop": onward.Error}, Presets: []onward.Preset{onward.Recommended, onward.Strict},
		FailOn: config.FailOnWarning, SmallTables: []string{"countries"}, SmallBelow: 1e6,
		Throughput: onward.Throughput{Read: 1e9, Write: 1e9, Rows: 2200}, Assume: config.Assume{TimeZone: "UTC", LockTimeout: 1, StatementTimeout: 2},
		Preflight: config.Preflight{
			Disk: "SELECT 1", Backup: "SELECT now()", BackupDays: 8, CertificateWarningDays: 30, CertificateErrorDays: 7,
			TransactionAge: 5000, ReplicaLag: 10000, SlotWAL: 1 << 30,
		},
		Baseline: "", Deprecated: nil, DeprecationNoticeDays: 30, SoftDelete: map[string]string{"users": "deleted_at"},
		AcceptQueries: map[string][]string{"query-for-each-row": {"FROM settings"}}, AcceptOpaque: config.Accept{All: false, Patterns: []string{"legacy/*"}},
		Redact: []string{`\w+@\w+`}, RedactColumns: []string{"*.email"}, Hook: config.Hook{Disposable: []string{"localhost/app_dev"}},
	}
}

// failures are the kinds of errors that wrong input gives, each read by its type.
func failures(ctx context.Context, repository, nowhere string) (kinds []string) {
	_, err := audit.Changelog(ctx, audit.Config{Dir: nowhere})
	kinds = append(kinds, kind(err))
	_, err = audit.Changelog(ctx, audit.Config{Dir: repository, Base: "no-such-branch"})
	kinds = append(kinds, kind(err))
	_, err = audit.Changelog(ctx, audit.Config{Dir: repository, Base: "HEAD~1", Deployed: audit.Deployed{DB: "postgres://u@127.0.0.1:1/x"}})
	kinds = append(kinds, kind(err))
	_, err = config.Decode([]byte("postgre: 17\n"), config.Name, config.Known{})
	kinds = append(kinds, kind(err))
	_, err = rehearse.Run(ctx, rehearse.Config{
		Config: release(repository), Majors: []int{9}, Server: "", Rows: rehearse.Rows{Rows: map[string]int64{"users": 10}, All: 1, Touched: 3, Seed: 2},
		Lenient: true, Dump: "", Traffic: true, LongTransaction: time.Second, Superuser: false, Down: false, Limit: time.Minute, Total: time.Hour, MaxBytes: 1e9, Progress: func(rehearse.Progress) {},
	})
	return append(kinds, kind(err))
}

func kind(err error) string {
	if err == nil {
		return "none"
	}
	for name, is := range map[string]bool{
		"NotFoundError": as[*audit.NotFoundError](err), "ServerError": as[*audit.ServerError](err), "AddressError": as[*audit.AddressError](err),
		"NotRepositoryError": as[*audit.NotRepositoryError](err), "BareRepositoryError": as[*audit.BareRepositoryError](err),
		"OwnershipError": as[*audit.OwnershipError](err), "NoCommitsError": as[*audit.NoCommitsError](err), "NoBaseError": as[*audit.NoBaseError](err),
		"NoMergeBaseError": as[*audit.NoMergeBaseError](err), "UnknownRevisionError": as[*audit.UnknownRevisionError](err),
		"RefusedRevisionError": as[*audit.RefusedRevisionError](err), "MissingObjectsError": as[*audit.MissingObjectsError](err),
		"GitError": as[*audit.GitError](err), "config.Error": as[*config.Error](err), "config.InputError": as[*config.InputError](err),
		"BaseError": as[*rehearse.BaseError](err), "MissingError": as[*rehearse.MissingError](err), "rehearse.ServerError": as[*rehearse.ServerError](err),
	} {
		if is {
			return name
		}
	}
	return fmt.Sprintf("%T", err)
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func findings(r *onward.Report) string {
	var names []string
	for _, f := range r.Findings {
		names = append(names, f.Rule)
	}
	return strings.Join(names, " ")
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
