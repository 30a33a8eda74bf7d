FROM python:3.11-slim

# One thread for each process; the worker pool uses the cores.
ENV OMP_NUM_THREADS=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1

RUN useradd --create-home atlas
WORKDIR /app
RUN chown atlas /app

COPY requirements.txt .
RUN pip install -r requirements.txt

COPY --chown=atlas . .
USER atlas

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8501/_stcore/health', timeout=4)"]

# .streamlit/config.toml holds the other settings for a public host.
CMD ["streamlit", "run", "streamlit_app.py", "--server.headless=true", "--server.address=0.0.0.0", "--server.port=8501"]
