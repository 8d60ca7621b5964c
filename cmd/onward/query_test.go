package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// sendQuery is the program "query ADDRESS SQL" of scripts: it prints rows as psql -qAt does, and needs no client on the machine.
func sendQuery() {
	results, err := sendStatements(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "query:", err)
		os.Exit(1)
	}
	for _, result := range results {
		for _, row := range result.Rows {
			fields := make([]string, len(row))
			for i, value := range row {
				fields[i] = string(value)
			}
			fmt.Println(strings.Join(fields, "|"))
		}
	}
}

func sendStatements(ctx context.Context, address, sql string) ([]*pgconn.Result, error) {
	conn, err := pgconn.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	return conn.Exec(ctx, sql).ReadAll()
}
