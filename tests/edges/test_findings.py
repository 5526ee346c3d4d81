"""What was once wrong at the edges, and the tests that keep it ended, each through more than one entry.

A test that is renamed is renamed here.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ENTRIES = "edges/test_entries.py"
"""Runs each of its tests through a cell, Python, the panel and a script."""
FINDINGS = {
    "A1 a large response is spooled inside the store, whose room was looked at": [
        "generation/test_responses_kept.py::test_no_temporary_folder_of_the_system_is_needed",
        "log/test_incoming.py::test_a_response_arrives_inside_the_store",
        "edges/test_environments.py::test_every_entry_works_or_fails_in_our_own_words",
    ],
    "A2 a store that cannot take an image says so before anything is sent, and keeps the only copy": [
        f"{ENTRIES}::test_an_objects_folder_that_takes_nothing_is_found_before_anything_is_sent",
        "log/test_incoming.py::test_an_image_that_cannot_be_moved_stays_and_is_stored_with_its_run_later",
    ],
    "A3 side data does not decide, and what is no image belongs to its run": [
        f"{ENTRIES}::test_a_paid_response_that_is_no_image_belongs_to_its_run",
        f"{ENTRIES}::test_an_image_in_any_shape_is_taken",
        "media/test_side_data.py::test_side_data_does_not_decide_whether_a_png_is_an_image",
    ],
    "A4 a session that closes waits for what it sent": [
        "generation/test_sending.py::test_a_session_that_is_closed_waits_for_everything_it_sent",
        "generation/test_sending.py::test_a_session_that_is_left_by_an_error_sends_no_more_and_stores_what_is_in_flight",
        "panel/test_script_end.py::test_a_script_with_a_panel_ends",
    ],
    "A5 a name that cannot be encoded is refused before sending": [
        "generation/test_copies.py::test_a_name_that_no_file_can_have_is_refused_before_sending",
        "generation/test_copies.py::test_a_name_that_the_locale_cannot_write_is_refused_before_sending",
        "generation/test_copies.py::test_python_saves_as_a_cell_does",
        "notebook/test_cell.py::test_an_image_that_could_not_be_saved_as_asked_is_not_paid_for",
        "notebook/test_cell_plan.py::test_a_file_in_the_way_of_what_is_to_be_sent_is_named_before_sending",
    ],
    "A6 a file that is in the way is named before sending": [
        "notebook/test_cell.py::test_an_image_that_could_not_be_saved_as_asked_is_not_paid_for",
        "generation/test_copies.py::test_a_file_or_folder_that_is_in_the_way_is_named",
        "notebook/test_cell_plan.py::test_a_file_in_the_way_of_what_is_to_be_sent_is_named_before_sending",
    ],
    "B1 proxies, certificates and the client's construction": [
        "edges/test_environments.py::test_every_entry_works_or_fails_in_our_own_words",
        "client/test_transport_errors.py::test_what_cannot_be_used_is_named_with_its_value_and_what_to_do",
        "client/test_transport_errors.py::test_a_proxy_that_refuses_and_a_certificate_are_not_called_the_network",
        "notebook/commands/test_commands.py::test_the_doctor_shows_the_proxy_without_its_password",
    ],
    "B2 the working directory is gone": [
        "edges/test_environments.py::test_every_entry_works_or_fails_in_our_own_words",
        "files/test_store_folder.py::test_where_the_first_folder_is_gone_the_remedy_is_told",
    ],
    "B3 the store is a file, or a path that no system takes": [
        "edges/test_environments.py::test_every_entry_works_or_fails_in_our_own_words",
        "files/test_store_folder.py::test_a_path_that_the_system_cannot_use_is_refused_in_our_words",
        "files/test_store_folder.py::test_a_stated_store_that_is_a_file_is_refused_in_our_words",
    ],
    "B4 Colab's secrets may fail in any way": [
        "test_credentials.py::test_whatever_keeps_colab_from_answering_there_is_no_key",
        "test_credentials.py::test_a_colab_secret_that_may_not_be_read_is_passed_over",
        f"{ENTRIES}::test_colab_secrets_that_do_not_answer_are_no_key_and_no_other_fault",
    ],
    "C1 a byte order mark is no part of a file, and a .env that was named must hold a key": [
        "test_credentials.py::test_a_byte_order_mark_does_not_hide_the_key_of_a_dotenv",
        "test_credentials.py::test_a_dotenv_that_was_asked_for_and_holds_no_key_is_an_error_so_that_no_other_account_pays",
        "config/test_settings.py::test_a_byte_order_mark_is_no_part_of_a_file",
        "replays/test_notebook_runs.py::test_a_byte_order_mark_is_no_part_of_it",
        "plan/test_command_line.py::test_a_byte_order_mark_is_no_part_of_a_plan",
    ],
    "C2 a key in quotes": [
        "config/test_settings.py::test_a_key_that_was_given_in_quotes_is_sent_without_them",
        f"{ENTRIES}::test_a_key_in_quotes_is_sent_without_them",
    ],
    "D1 a store has a mark of its own": [
        "files/test_store_folder.py::test_the_folder_of_another_program_is_not_taken",
        "files/test_store_folder.py::test_a_store_is_known_by_its_mark_its_log_or_its_settings",
        "config/test_settings.py::test_a_file_named_like_the_store_is_not_taken_for_it",
        f"{ENTRIES}::test_the_settings_folder_of_another_program_is_not_taken_for_the_store",
    ],
    "D2 a store on read-only media can be looked at": [
        "files/test_store_folder.py::test_a_store_that_cannot_be_written_can_be_looked_at",
        "log/test_schema.py::test_a_store_of_the_first_schema_is_read",
        f"{ENTRIES}::test_a_store_on_read_only_media_takes_no_request",
    ],
    "E1 infotext on one line": [
        "media/metadata/test_foreign.py::test_infotext_is_read_on_one_line_and_on_three_whole_and_cut",
        "media/metadata/test_foreign.py::test_a_prompt_on_one_line_without_a_negative_prompt_is_read",
        "notebook/commands/test_replay.py::test_an_image_by_another_program_is_not_said_to_be_of_venice_and_is_not_sent",
        "edges/test_recipe_entries.py::test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere",
    ],
    "E2 a seed of -1 from another program is not known": [
        "media/metadata/test_foreign.py::test_a_seed_of_minus_one_is_not_known_in_files_of_other_programs",
        "request/test_request.py::test_what_a_model_ignores_in_silence_is_one_note",
        "edges/test_recipe_entries.py::test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere",
    ],
    "E3 other programs' formats are named": [
        "media/metadata/test_foreign.py::test_another_programs_format_is_named_and_not_guessed_at",
        "notebook/commands/test_replay.py::test_an_image_by_another_program_is_not_said_to_be_of_venice_and_is_not_sent",
        "edges/test_recipe_entries.py::test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere",
    ],
    "E4 comments in every encoding, and infotext in other fields": [
        "media/metadata/test_foreign.py::test_a_comment_is_read_in_every_encoding",
        "media/metadata/test_foreign.py::test_infotext_is_found_in_other_exif_fields",
        "edges/test_recipe_entries.py::test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere",
    ],
    "E5 the recipe of a cut file": [
        "media/metadata/test_foreign.py::test_a_file_of_ours_that_lost_its_last_byte_still_gives_its_recipe",
        "media/metadata/test_foreign.py::test_of_a_file_that_is_cut_before_its_recipe_the_damage_is_reported",
        "edges/test_recipe_entries.py::test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere",
    ],
    "E6 no reader of ours takes a wrong seed": [
        "media/metadata/test_foreign.py::test_a_prompt_that_holds_settings_is_never_written_where_they_would_be_believed",
        "media/metadata/test_embed.py::test_sd_parsers_understands_a_recipe_that_names_a_sampler",
        "media/metadata/test_embed.py::test_no_number_of_steps_is_invented_and_no_seed",
        "edges/test_recipe_entries.py::test_a_prompt_that_holds_settings_is_believed_by_no_reader_however_it_was_saved",
    ],
    "E7 copies without metadata keep their orientation": [
        "media/metadata/test_foreign.py::test_a_copy_without_its_metadata_is_still_turned_as_the_original",
        "media/test_preview.py::test_exif_orientation_is_honored_and_then_gone",
        "edges/test_recipe_entries.py::test_a_copy_without_its_metadata_is_turned_as_its_original",
    ],
    "F1 a refusal's code and reason": [
        f"{ENTRIES}::test_what_is_said_is_true_of_the_money",
        "client/test_http_errors.py::test_a_moderation_code_in_any_shape_is_a_refusal_of_the_content_with_its_whole_message",
        "client/test_client.py::test_an_error_document_that_comes_with_success_is_shown_whole",
    ],
    "F2 a model's sizing before its range": [
        "request/test_request.py::test_every_rule_refuses_with_field_value_what_is_allowed_and_the_nearest",
        "notebook/test_cell.py::test_an_error_of_ours_is_a_few_lines_that_say_what_to_do",
    ],
    "F3 names that other tools use": [
        "notebook/test_cell_options.py::test_an_option_of_other_image_tools_is_answered_with_ours",
        "request/test_request.py::test_a_name_that_other_tools_use_is_answered_with_ours",
        "notebook/test_cell.py::test_a_model_of_other_tools_is_answered_with_the_nearest",
        "notebook/test_return_value.py::test_a_prompt_after_a_single_percent_sign_is_answered_with_the_cell",
        "notebook/commands/test_commands.py::test_a_word_that_is_the_value_of_a_filter_is_answered_with_it",
    ],
    "F4 dates are the user's own": [
        "notebook/commands/test_log.py::test_a_date_without_a_zone_is_the_users_own_and_times_say_their_zone",
        "notebook/commands/test_log.py::test_times_are_typed_as_people_say_them",
        "notebook/commands/test_log.py::test_costs_are_told_by_the_users_own_days",
        "log/test_search.py::test_a_moment_without_a_zone_is_local_time",
    ],
    "F5 failures of one kind are one paragraph": [
        f"{ENTRIES}::test_failures_of_one_kind_are_one_paragraph",
        "generation/test_sending.py::test_runs_that_ended_alike_are_told_once_with_their_seeds",
    ],
    "F6 a refused image among others": [
        "generation/test_worker.py::test_when_all_are_refused_it_fails_and_when_some_are_they_are_labeled",
        "notebook/test_cell.py::test_some_fail_and_what_arrived_is_shown_and_kept_before_the_cell_fails",
    ],
    "F7 a budget refuses before it asks, with the same amounts everywhere": [
        "notebook/test_cell.py::test_no_one_is_asked_about_what_a_budget_refuses",
        "panel/test_panel.py::test_a_limit_a_budget_and_a_missing_key_are_told_before_the_click",
    ],
    "F8 a deprecation is told once, in words": [
        "notebook/test_cell.py::test_that_a_model_is_going_away_is_told_once_and_by_its_day",
        "replays/test_replay.py::test_how_to_send_what_cannot_come_out_the_same_is_said_until_it_is_requested",
    ],
    "F9 exports of nothing, long lists, and what goes with it": [
        "notebook/commands/test_log.py::test_an_export_of_nothing_writes_nothing",
        "log/export/test_text_files.py::test_nothing_is_not_exported",
        "notebook/commands/test_log.py::test_the_log_says_how_many_runs_there_are_and_shows_more_when_asked",
        "notebook/commands/test_log.py::test_forgetting_names_the_runs_that_gave_the_same_image",
        "notebook/commands/test_log.py::test_forgetting_takes_the_options_that_find_runs",
    ],
    "F10 commands display wherever they stand": [
        "notebook/test_return_value.py::test_commands_display_wherever_they_stand_and_a_value_that_is_assigned_does_not",
        "notebook/test_return_value.py::test_a_script_of_commands_shows_them_all",
    ],
    "F11 a command among the lines of a prompt": [
        "notebook/test_cell.py::test_a_wrong_argument_is_a_usage_error_without_a_traceback",
        "notebook/test_raw_cells.py::test_a_cell_pasted_with_its_prompt_is_refused_since_ipython_would_change_the_text",
    ],
    "F12 a script is told the price and the progress": [
        "test_api.py::test_a_program_is_told_the_price_the_summary_and_where_the_images_are",
        "test_api.py::test_a_loop_in_a_notebook_shows_its_images",
        "notebook/test_return_value.py::test_cells_in_a_loop_show_their_images",
    ],
    "F13 words of foreign files, redirects, encodings and locks": [
        "replays/test_replay.py::test_a_file_of_another_program_is_looked_at_without_words_for_what_is_not_known",
        "client/test_http_errors.py::test_a_redirect_names_its_target_without_secrets",
        f"{ENTRIES}::test_what_is_said_is_true_of_the_money",
        "client/test_client.py::test_a_garbled_gzip_is_not_called_a_lost_connection",
        "log/test_database.py::test_a_log_that_stays_locked_says_so_and_that_nothing_was_done",
    ],
    "F14 what is no value in a template": [
        "notebook/test_prompt_template.py::test_anything_else_is_refused_with_its_name_and_neighbours_and_the_way_out",
        "notebook/test_line_variables.py::test_what_holds_nothing_usable_is_refused_by_name",
    ],
    "G1 rows of images are even": [
        "display/test_display.py::test_rows_of_images_are_even",
        "browser/test_looks.py::test_rows_are_even_and_nothing_is_cut_at_any_width",
    ],
    "G2 captions say what was chosen and do not break within a part": [
        "display/test_display.py::test_a_caption_breaks_between_its_parts_and_not_within_them",
        "generation/test_result.py::test_the_summary_states_price_model_size_and_time",
    ],
    "G3 tables at the width of a notebook": [
        "browser/test_looks.py::test_tables_fit_the_notebook_or_scroll",
        "display/test_display.py::test_the_name_of_a_narrow_table_stays_on_one_line",
        "notebook/commands/test_log.py::test_a_price_of_the_demo_is_called_simulated_wherever_it_shows",
    ],
    "G4 an image at full size": [
        "notebook/commands/test_log.py::test_an_image_is_shown_at_full_size_in_every_front_end",
        "panel/test_panel.py::test_full_size_download_and_texts_can_be_asked_for",
        "notebook/test_cell.py::test_the_files_that_were_saved_are_named",
    ],
    "G5 columns that hold nothing, the settings, and what prints": [
        "notebook/commands/test_log.py::test_the_cost_begins_with_what_was_spent_in_all",
        "notebook/commands/test_commands.py::test_config_shows_its_file_and_what_the_budgets_leave",
        "replays/test_notebook_runs.py::test_it_prints_its_runs",
        "display/test_display.py::test_an_output_prints_as_a_terminal_shows_it",
    ],
    "G6 completion": [
        "notebook/test_completion.py::test_ratios_are_offered_also_where_the_default_model_takes_none",
        "notebook/test_completion.py::test_runs_are_offered_with_their_prompts",
        "notebook/test_completion.py::test_tab_never_asks_a_keyring",
        "notebook/test_kernel.py::test_a_front_end_completes_what_is_valid",
    ],
    "G7 the cheapest model at a tier": [
        "notebook/commands/test_commands.py::test_the_cheapest_model_at_a_tier_is_one_command",
        "edges/test_tasks.py::test_the_cheapest_2k_image_takes_two_cells",
    ],
    "G8 the first minutes": [
        "edges/test_tasks.py::test_the_first_image_takes_three_cells",
        "notebook/test_headless.py::test_the_quickstart_runs_without_a_key_and_without_a_network_and_reads_well_as_html",
        "browser/test_looks.py::test_the_quickstart_opens_unchanged",
    ],
    "H1 one snapshot of the settings": [
        f"{ENTRIES}::test_one_call_reads_a_settings_file_once",
        "config/test_settings.py::test_a_file_is_parsed_once_until_it_changes",
    ],
    "H2 known images do not delay what is sent": [
        "test_session.py::test_images_of_the_log_that_are_slow_to_read_do_not_delay_what_is_sent",
        "generation/test_notices.py::test_a_request_that_the_log_holds_is_named_with_its_run",
    ],
    "H3 a log that stays locked": [
        "log/test_database.py::test_a_log_that_stays_locked_says_so_and_that_nothing_was_done",
        "generation/test_worker.py::test_an_image_that_comes_while_another_program_holds_the_log_is_kept_and_shown",
        f"{ENTRIES}::test_a_log_that_another_program_holds_lets_nothing_out_and_says_so",
    ],
    "H4 the memory of the tests": [
        "log/export/test_ro_crate.py::test_a_crate_of_many_runs_needs_no_more_memory_than_one_of_few",
        "client/test_json_strings.py::test_an_image_of_20_mb_is_read_within_6_mb",
    ],
    "I1 an interrupt while the log is read": [
        "log/test_interrupts.py::test_an_interrupt_at_any_bytecode_leaves_the_log_alive",
        "log/test_kernel_interrupted.py::test_a_kernel_that_was_interrupted_while_it_read_the_log_goes_on",
        "edges/test_random_machine.py::test_the_service_and_the_record_agree_whatever_happens",
    ],
    "I2 an interrupt at the beginning of sending": [
        "generation/test_interrupt_anywhere.py::test_sending_and_waiting",
        "test_session.py::test_an_interrupt_while_the_threads_are_started_sends_no_more_and_keeps_the_record_true",
        "notebook/test_kernel.py::test_an_interrupt_ends_the_cell_at_once_and_says_what_may_be_charged",
    ],
    "I3 a paid response that is no readable image": [
        f"{ENTRIES}::test_a_paid_response_that_is_no_image_belongs_to_its_run",
        "generation/test_responses_kept.py::test_a_response_that_is_not_a_readable_image_belongs_to_its_run",
    ],
    "I4 images that can be had are taken": [
        f"{ENTRIES}::test_an_image_in_any_shape_is_taken",
        "client/test_response_body.py::test_images_that_are_not_where_they_should_be_are_found_all_the_same",
    ],
    "I5 bodies that expand": [
        "client/test_client.py::test_a_body_that_expands_without_end_takes_little_memory_and_is_not_called_a_lost_connection",
        "simulator/test_hostile.py::test_a_small_body_expands_to_two_gigabytes",
        f"{ENTRIES}::test_a_body_that_expands_without_end_is_told_as_possibly_charged",
    ],
    "I6 damaged images": [
        "media/test_side_data.py::test_a_gif_cut_inside_its_header_is_one_of_our_errors",
        "media/test_side_data.py::test_what_a_header_claims_costs_neither_memory_nor_time",
        "edges/test_fuzz.py::test_only_our_errors_come_out",
        "edges/test_recipe_entries.py::test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere",
    ],
    "I7 changes while another program holds the log": [
        "log/test_database.py::test_a_log_that_stays_locked_says_so_and_that_nothing_was_done",
        "log/test_interrupts.py::test_an_interrupt_while_another_program_holds_the_log_is_at_once_and_nothing_happens_later",
        f"{ENTRIES}::test_a_log_that_another_program_holds_lets_nothing_out_and_says_so",
    ],
    "J1 a lock and a transaction are given back": [
        "log/test_interrupts.py::test_a_function_that_fails_in_the_middle_of_its_rows_keeps_no_old_state_of_the_log",
        "log/test_interrupts.py::test_real_interrupts_while_it_reads_and_writes_leave_the_log_alive",
        "log/test_kernel_interrupted.py::test_a_kernel_that_was_interrupted_while_it_read_the_log_goes_on",
    ],
    "J2 it stops buying": [
        f"{ENTRIES}::test_a_full_disk_ends_the_buying",
        f"{ENTRIES}::test_after_what_may_have_been_charged_the_rest_is_not_sent",
        "generation/test_sending.py::test_room_is_looked_at_before_every_request",
    ],
    "J3 the end of a script waits": [
        "notebook/test_interrupt.py::test_the_end_of_a_script_waits_for_the_images_that_are_in_flight",
        "notebook/test_interrupt.py::test_a_script_is_interrupted_within_a_second_and_a_second_interrupt_gives_up_what_is_in_flight",
    ],
    "J4 a clock that goes back": [
        f"{ENTRIES}::test_a_clock_that_goes_back_makes_prices_old",
        "request/test_catalogue.py::test_a_catalogue_that_is_dated_in_the_future_is_as_good_as_old",
        "test_session.py::test_a_price_that_waited_overnight_for_an_answer_is_not_what_was_agreed_to",
    ],
    "J5 a reservation counts until the charge is known": [
        "log/test_charges.py::test_a_succeeded_run_counts_its_reservation_until_its_charge_is_known",
        "test_session_budgets.py::test_a_budget_refuses_what_it_does_not_cover_and_names_what_is_left",
        f"{ENTRIES}::test_a_budget_that_was_set_meanwhile_holds_and_names_what_is_left",
    ],
    "J6 a limit that is lowered holds at once": [
        "generation/test_sending.py::test_a_limit_that_is_lowered_while_it_runs_holds_for_the_rest",
        "test_session.py::test_a_limit_that_is_set_while_the_session_runs_holds_from_then_on",
        f"{ENTRIES}::test_a_limit_that_is_too_low_refuses_before_anything_is_sent",
    ],
    "J7 a store that is moved or deleted": [
        "log/test_log.py::test_nothing_is_sent_from_a_store_that_was_deleted_or_moved_while_it_was_open",
        "log/test_log.py::test_an_image_that_was_stored_before_the_store_was_moved_is_said_to_be_there",
        f"{ENTRIES}::test_a_store_that_is_moved_while_an_image_is_in_flight_is_told",
    ],
    "J8 an interrupt while images are shown": [
        "generation/test_interrupt_anywhere.py::test_showing",
        "notebook/test_cell.py::test_an_interrupt_says_what_became_of_the_money",
        "test_session.py::test_what_waits_for_the_record_to_leave_is_not_called_unsent",
    ],
    "J9 an odd entry of a ledger": [
        "log/test_charges.py::test_one_odd_entry_of_a_ledger_stops_nothing_and_is_named",
        "client/test_billing.py::test_an_odd_row_does_not_stop_the_others",
        "notebook/commands/test_log.py::test_an_odd_row_of_the_ledger_does_not_keep_the_others_from_being_charged",
    ],
    "J10 bounds on every setting": [
        "config/test_settings.py::test_every_setting_has_its_bounds_and_says_them",
        "config/test_settings.py::test_what_is_no_amount_of_dollars_is_refused_with_its_source",
        "edges/test_environments.py::test_every_entry_works_or_fails_in_our_own_words",
    ],
    "J11 warnings that are errors": [
        "media/test_side_data.py::test_odd_exif_is_no_reason_even_where_warnings_are_errors",
        "generation/test_worker.py::test_whatever_an_image_does_to_its_reader_the_generation_ends_with_one_of_our_errors",
        f"{ENTRIES}::test_an_image_with_odd_exif_arrives_where_warnings_are_errors",
        "edges/test_recipe_entries.py::test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere",
    ],
    "J12 a 303, and a price of 0": [
        f"{ENTRIES}::test_what_is_said_is_true_of_the_money",
        "request/test_spending.py::test_a_stated_price_of_zero_counts_as_unknown_under_a_limit_and_is_asked_about",
    ],
    "J13 memory of exports and of results": [
        "log/export/test_ro_crate.py::test_a_crate_of_many_runs_needs_no_more_memory_than_one_of_few",
        "notebook/test_output_history.py::test_neither_out_nor_the_history_holds_the_images_that_were_shown",
        "generation/test_result.py::test_what_out_holds_is_little",
        "notebook/test_notebook_size.py::test_a_preview_is_stored_once",
    ],
    "J14 values that cannot be sent or saved": [
        "notebook/test_prompt_template.py::test_anything_else_is_refused_with_its_name_and_neighbours_and_the_way_out",
        "generation/test_result.py::test_a_pattern_that_cannot_be_filled_says_what_it_may_name",
        "log/test_log.py::test_a_database_that_was_damaged_says_so_and_what_to_do",
        "log/test_interrupts.py::test_a_child_forked_while_threads_hold_the_log_uses_it_and_harms_nothing",
    ],
    "J15 a wallet key in the frames of its error": [
        "client/test_wallet.py::test_an_invalid_key_stands_in_no_frame_of_its_error",
        "test_session.py::test_no_frame_of_a_refused_setting_holds_a_key_in_the_clear",
        "test_canary.py::test_no_secret_stands_in_any_display_error_traceback_log_or_file",
        f"{ENTRIES}::test_a_wallet_key_that_cannot_be_used_is_shown_by_no_entry",
    ],
    "beside the list: a cell that was sent twice shows each image once": [
        "replays/test_notebook_runs.py::test_an_image_that_is_shown_twice_counts_once",
        "test_session.py::test_new_images_and_those_of_the_log_stand_under_headings_of_their_own",
    ],
    "beside the list: errors travel between processes": [
        "generation/test_sending.py::test_every_error_says_whether_it_was_charged_and_travels_between_processes",
        "generation/test_sending.py::test_seeds_are_told_as_the_option_takes_them",
    ],
    "beside the list: a search for a quote, and stored token headers": [
        "log/test_search.py::test_a_text_without_any_word_finds_nothing_by_chance",
        "client/test_client.py::test_the_limits_of_the_last_response_are_remembered_and_its_token_headers_are_stored",
    ],
}
ONE_ENTRY = {
    "F10": "only IPython displays the value of a line",
    "F11": "only a cell has lines beside its prompt",
    "F14": "only a cell has a template on its line",
    "G2": "a caption is made in one place, whatever shows it",
    "G6": "only a cell is completed by Tab",
    "H2": "sending is one and the same for every entry",
    "H4": "it is about the tests themselves",
    "beside": "it is about Python's own ways",
}
"""Findings that no second entry can have, and why."""
_ROOMS = {
    "edges/test_entries.py": {"cell", "python", "panel", "script"},
    "edges/test_environments.py": {"cell", "python", "panel", "script"},
    "edges/test_recipe_entries.py": {"python", "command", "panel"},
    "notebook/commands/": {"command"},
    "notebook/test_interrupt.py": {"cell", "script"},
    "notebook/": {"cell"},
    "log/test_kernel_": {"cell"},
    "panel/": {"panel"},
    "browser/": {"panel"},
    "plan/test_command_line.py": {"script"},
}
"""By the beginning of a test's path, through which entries it goes; all others go through Python."""


def entries_of(test):
    return next((entries for start, entries in _ROOMS.items() if test.startswith(start)), {"python"})


KINDS = {"A": 6, "B": 4, "C": 2, "D": 2, "E": 7, "F": 14, "G": 8, "H": 4, "I": 7, "J": 15}


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_finding_has_tests_that_exist(finding):
    assert len(FINDINGS[finding]) >= 2
    for test in FINDINGS[finding]:
        file, _, name = test.partition("::")
        assert re.search(rf"^(async )?def {name}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE), test


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_finding_is_driven_through_two_entries(finding):
    entries = set().union(*map(entries_of, FINDINGS[finding]))
    assert len(entries) >= 2 or finding.split()[0] in ONE_ENTRY, entries


def test_no_finding_is_missing():
    numbers = [finding.split()[0] for finding in FINDINGS if not finding.startswith("beside")]
    assert numbers == [f"{kind}{number}" for kind, count in KINDS.items() for number in range(1, count + 1)]
