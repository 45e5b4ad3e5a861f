FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/triage && /opt/triage/bin/pip install --no-cache-dir --no-compile .

FROM python:3.13-slim
COPY --from=build /opt/triage /opt/triage
RUN useradd --uid 10001 --create-home triage
USER 10001
WORKDIR /data
ENTRYPOINT ["/opt/triage/bin/triage"]
CMD ["--help"]
