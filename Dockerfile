# Three images of one binary; goreleaser lays it into $TARGETPLATFORM. docs/install.md says what each can do.
#
# git: with git, curl and a shell, for pipelines: changelog and all that compares revisions.
FROM alpine:3.22.4@sha256:310c62b5e7ca5b08167e4384c68db0fd2905dd9c7493756d356e893909057601 AS git
RUN apk add --no-cache git curl ca-certificates && git config --system --add safe.directory '*'
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/onward /usr/bin/onward
WORKDIR /work
ENTRYPOINT ["/usr/bin/onward"]

# servers: with the servers of Alpine, too, which rehearse, verify and the proof of a plan start.
FROM git AS servers
RUN apk add --no-cache postgresql15 postgresql16 postgresql17

FROM alpine:3.22.4@sha256:310c62b5e7ca5b08167e4384c68db0fd2905dd9c7493756d356e893909057601 AS certificates
RUN apk add --no-cache ca-certificates && mkdir -m 1777 /empty

# scratch: the binary, the certificates that TLS to a database takes, and a directory for temporary files.
FROM scratch AS scratch
COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=certificates /empty /tmp
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/onward /usr/bin/onward
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/usr/bin/onward"]
