"""Deep Atlas: ``streamlit run streamlit_app.py``."""

from pages._ui.entry import main

main()
