# Perennial: one image for the workers, the migrations and the command line.
# It has no embedded stack: local/ and its packages stay out (.dockerignore, requirements.txt).
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
COPY requirements.txt ./
RUN pip install --require-hashes --no-deps -r requirements.txt

COPY . .
RUN python -m compileall -q . \
    && useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin perennial
USER perennial

CMD ["python", "starter.py", "--help"]
